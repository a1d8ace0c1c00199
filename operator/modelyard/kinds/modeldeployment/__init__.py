"""ModelDeployment: serves a version or an alias of a model."""
