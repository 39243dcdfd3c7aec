"""GraphiQL in the browser, from files of this package: the page asks no other host for anything."""
