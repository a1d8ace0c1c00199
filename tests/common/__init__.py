"""What everything here is built on: lines of progress, errors that are sentences, the cache's folder and its locks."""
