"""What kinds share about pods: the restricted template, what goes in, what comes back, and how it can fail."""
