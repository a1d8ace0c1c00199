"""Ingest of a table that is larger than the memory it is given, beside pyarrow alone and a script of pandas."""
