"""A ModelDeployment whose model is served by pods of its own."""
