"""Markets: where a shop sells; some are private to the customers of one group."""
