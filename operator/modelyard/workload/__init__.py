"""Shared code of the kinds that run pods: the restricted template, inputs, results, and failures."""
