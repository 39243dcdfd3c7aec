"""Markets in which a shop sells; a market can be private to the customers of one group."""
