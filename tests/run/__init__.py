"""Runs ``make test``: phases that wait for others, several at a time, with a table of their times at the end."""
