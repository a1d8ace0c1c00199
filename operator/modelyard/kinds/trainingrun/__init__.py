"""TrainingRun: one Job that trains one model on one dataset version."""
