"""The rules of a Dataset, held against the rows while they are seen."""
