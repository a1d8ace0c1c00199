"""The tracking server and artifact store: MLflow's own app, and before it a guard that asks every client who it is."""
