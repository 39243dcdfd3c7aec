"""Organizations, their staff and API clients, and the resolution of callers."""
