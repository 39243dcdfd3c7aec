"""Background jobs: run at an interval by any number of workers; the last result of each is in a table."""
