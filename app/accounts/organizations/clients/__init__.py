"""API clients: made, listed, rotated, revoked."""
