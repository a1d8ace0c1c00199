"""One file per subcommand; none imports another."""
