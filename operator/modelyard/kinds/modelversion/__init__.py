"""ModelVersion: verified against its artifact, judged by its Model's gates."""
