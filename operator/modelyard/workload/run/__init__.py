"""A run that ends: what a kind says of its Job goes in, one of a few states comes out. A file a policy."""
