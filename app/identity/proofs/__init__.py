"""One-time proofs: single-use, expiring tokens and codes that are sent by mail to prove control of an address."""
