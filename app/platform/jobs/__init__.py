"""Background jobs: run at an interval by any number of workers, each with its last result in a table."""
