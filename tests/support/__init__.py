"""What the demo, the benchmarks and the tests share: kubectl with waits, the main job, and an inference client."""
