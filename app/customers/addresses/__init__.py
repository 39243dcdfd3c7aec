"""Addresses: where a customer lives, is delivered to and billed at, with one default for each."""
