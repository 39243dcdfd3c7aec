"""Tests of the password package."""
