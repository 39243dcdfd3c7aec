"""Filters and sort orders of lists of customers."""
