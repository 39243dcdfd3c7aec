"""Mail: an outbox written in the transaction of the act, and delivery by the worker."""
