"""Alembic's entry: which tables belong to which line of versions, and the connection to use."""

import importlib
from pathlib import Path
from typing import Any, Literal

from alembic import context
from sqlalchemy import DateTime, MetaData
from sqlmodel.sql.sqltypes import AutoString

from app.platform.db.columns import main_metadata
from app.platform.db.migrating import Line

APP = Path(__file__).parents[3]


def tables(line: Line) -> MetaData:
    """The metadata of all tables of a database."""
    # Found by name, not imported: tables stand in every package, and `db` is below them all.
    if line is Line.KEYSTORE:
        keystore: MetaData = importlib.import_module("app.platform.vault.tables").keystore_metadata
        return keystore
    for path in sorted(APP.glob("**/tables.py")):
        importlib.import_module(".".join(path.relative_to(APP.parent).with_suffix("").parts))
    return main_metadata


def plain(kind: str, value: Any, _: object) -> str | Literal[False]:
    """Write column types in SQLAlchemy's own words: a migration must not depend on the program of a later day."""
    if kind == "type" and isinstance(value, DateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(value, AutoString):
        return f"sa.String(length={value.length})" if value.length else "sa.String()"
    return False


line: Line = context.config.attributes["line"]
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables(line) if context.config.attributes.get("compare") else None,
    render_as_batch=True,
    compare_type=True,
    render_item=plain,
)
with context.begin_transaction():
    context.run_migrations()
