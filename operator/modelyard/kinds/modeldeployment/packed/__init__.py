"""A ModelDeployment whose model is served by a ModelPool's pods."""
