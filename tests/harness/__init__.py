"""The long harnesses: faults, fuzz, benches. Tests run a sample of each."""
