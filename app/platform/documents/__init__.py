"""Trusted documents: registered when a client is built, referred to by their SHA-256 afterwards."""
