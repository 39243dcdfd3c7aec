"""Terms: an existing customer accepts the terms of the organization."""
