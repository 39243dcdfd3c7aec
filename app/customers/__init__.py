"""Customers: who they are, their profile, and what names they can be found by."""
