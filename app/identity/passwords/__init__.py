"""Passwords: how they are hashed, and which are too weak to be chosen."""
