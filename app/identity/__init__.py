"""Authentication mechanisms: login sessions and tokens, passwords, guess limits, one-time proofs, staff members.

Belongs here: mechanisms that account flows are made of, without the flows.
May know `platform` only: a customer is just an id here.
"""
