"""Measures one API process on PostgreSQL beside the least that could be done: `scripts/bench`."""
