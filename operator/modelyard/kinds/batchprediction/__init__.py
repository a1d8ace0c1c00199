"""BatchPrediction: one Job that scores a dataset version; the answers become a version of another Dataset."""
