"""Guessing: slows down whoever tries passwords, and lets the owner of an account through."""
