"""Benchmarks of one API process on PostgreSQL against a minimal baseline: `scripts/bench`."""
