"""One meaning from file to answer: generated tables are ingested, trained on and asked, online and in a batch."""
