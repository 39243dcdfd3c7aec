"""Management of an organization's staff members."""
