"""Flows that are confirmed with a mailed link or code: email verification, password reset, email change."""
