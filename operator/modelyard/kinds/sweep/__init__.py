"""Sweep: one Job whose pods try many estimators, and the TrainingRun of the best."""
