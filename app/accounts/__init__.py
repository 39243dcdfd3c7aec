"""Accounts: register, log in and out, change the password."""
