"""What a hostile tenant may try, tried by a real TrainingRun with a container; docs/design/threats.md lists it."""
