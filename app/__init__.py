"""Patron, the customer-account service: six packages, one above the other.

A module imports from its own package and from packages below it; `scripts/check` holds it to that.

| package | what belongs there |
|---|---|
| `server` | processes, HTTP routes, the command line, the GraphQL schema put together |
| `privacy` | erasing a person, deleting a customer: what touches everything that others keep |
| `accounts` | registration, login, confirmations, OAuth, organizations and their clients |
| `customers` | the customer and what it owns: addresses, payment methods, orders, groups |
| `identity` | login sessions, passwords, guess limits, proofs, staff members |
| `platform` | GraphQL, databases, encryption, audit, mail, limits: knows nothing of customers |
"""
