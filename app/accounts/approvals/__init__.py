"""Approvals: an organization approves or rejects each new customer before the first login."""
