"""The report of a version: one HTML page, without anything from outside, of what is in its columns."""
