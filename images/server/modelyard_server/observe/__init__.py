"""What the server saw of the data that went through it, without storing any of it; and, when asked, a log of it."""
