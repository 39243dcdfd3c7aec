"""Receipts of erasures: signed proofs of what was deleted, anonymized and kept, made by reading every store again."""
