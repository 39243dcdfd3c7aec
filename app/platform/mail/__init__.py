"""Mail: an outbox written with the act it tells of, and its delivery."""
