"""How a fitted estimator becomes a file that can be served, and the proof that it answers the same."""
