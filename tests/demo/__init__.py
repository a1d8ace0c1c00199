"""``make demo`` closes the loop on a real table as you watch; ``make demo ACT=source`` brings a commit to production."""
