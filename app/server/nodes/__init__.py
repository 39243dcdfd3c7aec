"""The Relay field `node`: fetches any object by its global id."""
