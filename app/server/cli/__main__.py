"""`python -m app.server.cli` is `patron`."""

from app.server.cli import main

main()
