"""The commands of Modelyard's Jobs: ingest, train and evaluate, and lay-out and collect around a user's container."""
