"""Privacy: anonymization requests and their execution, deletion of customers, cleanup of orphaned keys.

Belongs here: what must change the rows of every other package in one transaction; it names those packages one by one.
May know `accounts`, `customers`, `identity` and `platform`.
"""
