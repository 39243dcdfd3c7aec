"""Requests to anonymize a customer: their status and times. `privacy` carries them out."""
