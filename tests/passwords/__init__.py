"""Tests of the room app/passwords."""
