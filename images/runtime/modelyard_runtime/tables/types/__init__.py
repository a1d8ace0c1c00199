"""Finds out what type each column of a stream of batches has, and gives its values that type."""
