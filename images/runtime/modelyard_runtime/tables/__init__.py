"""From a file to typed, validated and digested tables."""
