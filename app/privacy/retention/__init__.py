"""Retention: what is removed when it is no longer needed, by category, as each organization has set it."""
