"""ModelMonitor: looks once at each window of what a model was asked and answered."""
