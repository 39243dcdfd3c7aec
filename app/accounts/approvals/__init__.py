"""Approvals: an organization lets each new customer in, or does not."""
