"""Organizations, their staff and API clients, the OAuth token endpoint, and who is calling."""
