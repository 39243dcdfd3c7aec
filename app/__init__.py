"""Patron, the customer-account service: the floors of the house are in README.md, "How it is built"."""
