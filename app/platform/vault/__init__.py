"""The vault: master key, a data key for every person, sealing, keyed fingerprints, and the separate key store."""
