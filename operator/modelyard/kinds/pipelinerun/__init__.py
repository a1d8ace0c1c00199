"""PipelineRun: one run of a Pipeline, a DAG of objects of other kinds and of containers."""
