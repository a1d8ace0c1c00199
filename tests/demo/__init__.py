"""``make demo`` closes the loop on a real table; ``make demo ACT=source`` brings a commit to production."""
