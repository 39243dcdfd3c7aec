"""Staff members as the organization keeps them."""
