"""Form definitions for front ends: the fields of registration and profile, from the definitions that validate them."""
