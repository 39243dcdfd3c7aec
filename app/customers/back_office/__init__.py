"""What the back office does with many customers: list, create or update."""
