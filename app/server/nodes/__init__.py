"""Fetches anything again by its global id."""
