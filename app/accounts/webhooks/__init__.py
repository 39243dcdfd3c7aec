"""Webhooks of an organization: endpoints, signed deliveries with retries, and what came of them."""
