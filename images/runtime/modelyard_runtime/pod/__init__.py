"""What every command needs in its pod: the artifact store, the tracking server, the log, and reporting its outcome."""
