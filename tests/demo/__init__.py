"""``make demo`` closes the loop on a real table as you watch, in three acts; ``make demo ACT=source`` delivers a commit."""
