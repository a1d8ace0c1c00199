"""Turns a file into a typed, validated and digested table."""
