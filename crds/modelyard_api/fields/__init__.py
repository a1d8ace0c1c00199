"""What several kinds share: fields, and the types of their values."""
