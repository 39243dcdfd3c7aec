"""Password hashing (argon2id) and password strength rules."""
