"""Orders: what a customer has ordered, with copies of the addresses as they were."""
