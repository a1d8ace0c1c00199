"""ModelPool: pods that serve the models of many ModelDeployments."""
