"""`patron check`: what must be right before a start, looked at without creating or changing anything."""
