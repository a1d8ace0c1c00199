"""Fault injection: each scenario is learnt once without a fault, then played again with one fault per run."""
