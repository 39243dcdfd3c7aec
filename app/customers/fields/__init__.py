"""Form fields: types, labels and patterns, and the extra fields that an organization declares."""
