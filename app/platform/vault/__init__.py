"""Encryption: master key, a data key for each person, sealed values, keyed fingerprints, the separate key store."""
