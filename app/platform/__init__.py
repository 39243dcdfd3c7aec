"""What any service of this kind is built on: GraphQL, databases, encryption, audit, mail, rate limits, plain values.

Belongs here: what would be the same if customers were something else. May know nothing above it.
"""
