"""Administration of organizations: settings and creation."""
