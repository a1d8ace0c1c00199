"""What crosses between the operator and its pods."""
