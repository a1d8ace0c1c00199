"""How a rollout goes from step to step, and on what evidence."""
