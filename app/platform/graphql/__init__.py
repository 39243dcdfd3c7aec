"""The GraphQL layer: HTTP endpoint, documents and their limits, access rules, mutation wrapper, pagination."""
