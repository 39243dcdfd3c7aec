"""Newsletter unsubscription with one click from the mail, without a login (RFC 8058)."""
