"""Reminders: mails that are sent because of the date, and not of what somebody did."""
