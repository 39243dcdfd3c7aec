"""The catalogues of messages: taken out of the code, and what must be true of every translation."""
