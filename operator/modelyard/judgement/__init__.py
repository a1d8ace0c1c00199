"""Decides whether a candidate is good enough, by pure statistics over what the model servers counted.

Every test is sequential: it is valid at any number of looks at growing data (Ramdas, Grünwald, Vovk, Shafer 2023,
"Game-theoretic statistics and safe anytime-valid inference"), since a rollout is judged every few seconds.
"""

from modelyard.judgement.judge import ALPHA, judge

__all__ = ["ALPHA", "judge"]
