"""Documents that clients are trusted with: registered when the client is built, named by their SHA-256 afterwards."""
