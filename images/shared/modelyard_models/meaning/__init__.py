"""What a written value means. Ingest, batch prediction and the server read the same texts, so they share this code."""
