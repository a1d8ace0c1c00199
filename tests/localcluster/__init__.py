"""The cluster that people and tests run on: one command, three providers (see ``python3 -m tests.localcluster --help``)."""
