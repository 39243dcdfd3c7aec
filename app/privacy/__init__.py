"""Personal data over its whole life: erasure requests and their execution, deletion of customers, orphan keys.

Belongs here: what must touch the rows of every other package at once; it names those packages one by one.
May know `accounts`, `customers`, `identity` and `platform`.
"""
