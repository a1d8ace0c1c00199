"""Pipeline: starts PipelineRuns by its triggers, within its limits."""
