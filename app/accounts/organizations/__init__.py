"""Organizations, their staff and API clients, and who is calling."""
