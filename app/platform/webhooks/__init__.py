"""Webhooks: which events there are, and their outbox, written in the transaction of what they announce."""
