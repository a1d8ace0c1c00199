"""A ModelDeployment whose model sits in a ModelPool's pods."""
