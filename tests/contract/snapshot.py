"""Where the schema is kept for clients to read."""

from pathlib import Path

SNAPSHOT = Path(__file__).parent.parent.parent / "schema.graphql"
