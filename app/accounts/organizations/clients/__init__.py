"""Management of API clients: create, list, rotate the secret, revoke."""
