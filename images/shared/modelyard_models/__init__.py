"""What the images must agree on about models: the code that writes models and the code that serves them share it."""
