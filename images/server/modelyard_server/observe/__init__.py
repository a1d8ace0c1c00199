"""Sketches of the data that the server processed, which store none of it; and, if switched on, a log of it."""
