"""The documents: what of them is made from the code, and the tests that run their commands."""
