"""The cluster that people and tests run on: one command, three providers (``python3 -m tests.localcluster --help``)."""
