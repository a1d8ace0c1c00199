"""What was guessed of a column and may be wrong: pure functions of what was seen of it."""
