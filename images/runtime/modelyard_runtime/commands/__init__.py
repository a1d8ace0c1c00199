"""One file a subcommand; none imports another."""
