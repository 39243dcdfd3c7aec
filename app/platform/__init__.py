"""The base of the service: GraphQL, databases, encryption, audit, mail, rate limits, value types.

Belongs here: what does not depend on customers. May import nothing above it.
"""
