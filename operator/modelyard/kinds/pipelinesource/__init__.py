"""PipelineSource: looks a git ref up, has its commits tested and bundled, and delivers their manifests."""
