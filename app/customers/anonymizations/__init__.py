"""Requests to anonymize a customer: their state and times. What they do is in `privacy`."""
