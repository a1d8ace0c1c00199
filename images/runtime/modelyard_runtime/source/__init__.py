"""What the pods of a PipelineSource are made of: git, libraries, tests without a network, bundles and registries."""
