"""Orders of customers and guests, with copies of the addresses at the time of the order."""
