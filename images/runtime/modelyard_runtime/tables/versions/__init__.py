"""Makes a version of a table that is seen once, batch by batch: digest, description, profile, rules, split, files."""
