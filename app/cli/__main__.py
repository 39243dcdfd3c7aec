"""`python -m app.cli` is `patron`."""

from app.cli import main

main()
