"""Reminders: mails that are triggered by a date, not by a request."""
