"""Erasure requests: a customer asks to be forgotten, and staff decide (GDPR, Art. 17)."""
