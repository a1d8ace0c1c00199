"""Helpers that the demo, the benchmarks and the tests share: kubectl with waits, the main job, an inference client."""
