"""The path of the schema's snapshot, schema.graphql."""

from pathlib import Path

SNAPSHOT = Path(__file__).parent.parent.parent / "schema.graphql"
