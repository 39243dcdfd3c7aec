"""OAuth 2: how API clients, and customers through them, get tokens and give them back."""
