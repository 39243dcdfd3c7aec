"""Login sessions with their access tokens and refresh tokens."""
