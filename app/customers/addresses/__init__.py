"""Addresses of a customer, with one default for shipping and one for billing."""
