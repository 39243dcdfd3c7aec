"""Customer groups, such as wholesale."""
