"""How often a caller may ask: named policies, sliding windows, and where a request comes from."""
