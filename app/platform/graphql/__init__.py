"""How the house speaks GraphQL: context, access, the mutation wrapper, documents and their limits, HTTP."""
