"""Fields that several kinds share, and the types of their values."""
