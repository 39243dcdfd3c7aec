"""Confirmations: what is asked for, and then done with the link or code from a mail."""
