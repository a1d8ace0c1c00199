"""What the images must agree on about models: each safety fact once, for what writes models and what serves them."""
