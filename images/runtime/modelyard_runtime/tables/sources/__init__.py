"""Brings what a Dataset's source holds to the pod: lists it, fetches what is to be read, and says what it can't get."""
