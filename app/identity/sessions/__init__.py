"""Sessions: access and refresh tokens, and whether they still live."""
