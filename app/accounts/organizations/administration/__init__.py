"""Organizations: their settings, and new ones."""
