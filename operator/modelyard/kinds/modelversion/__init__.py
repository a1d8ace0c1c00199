"""ModelVersion: it is verified against its artifact and judged by its Model's gates."""
