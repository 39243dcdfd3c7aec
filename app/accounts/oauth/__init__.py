"""OAuth 2: token issuance and revocation for API clients, and for customers through them."""
