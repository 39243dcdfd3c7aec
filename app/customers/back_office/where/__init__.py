"""What a list of customers may be filtered and sorted by."""
