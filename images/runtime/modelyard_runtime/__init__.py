"""What runs in the pods of Modelyard's Jobs: ingest, train and evaluate, and a container's two ends."""
