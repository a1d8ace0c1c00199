"""What Pipelines and PipelineRuns share: placeholders, the DAG of steps, and the words for a cause."""
