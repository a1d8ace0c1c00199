"""Sends generated objects to a real API server: the operator must handle every object that the server accepts."""
