"""Nothing lost, nothing twice: scenarios are learnt once, then played again with one fault a run."""
