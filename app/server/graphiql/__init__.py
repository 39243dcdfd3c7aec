"""GraphiQL, served from files of this package: the page loads nothing from other hosts."""
