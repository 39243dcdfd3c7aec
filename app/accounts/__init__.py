"""Account flows: registration, login, mailed confirmations, approval, OAuth and the organizations that set their rules.

Belongs here: what a person or a client does to get, keep or change access.
May know `customers` (whose account it is), `identity` (sessions, passwords, proofs) and `platform`.
"""
