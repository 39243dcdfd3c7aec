"""Newsletters: out with one click, from the mail itself, without a login (RFC 8058)."""
