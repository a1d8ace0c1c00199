"""Follows runs to their end: a kind describes its Job, and gets back one of a few states."""
