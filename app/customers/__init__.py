"""The customer and what it owns: profile, addresses, payment methods, orders, groups and markets, extra fields.

Belongs here: the records of a person and their rules, whoever changes them.
May know `identity` and `platform`; it does not know how somebody registers or logs in.
"""
