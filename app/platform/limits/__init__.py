"""Rate limits: named policies, sliding windows, the source of a request."""
