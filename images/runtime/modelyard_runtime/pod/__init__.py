"""What every command does as a pod: its store, its tracking server, its log and how it ends."""
