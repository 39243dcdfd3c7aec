"""Alembic's environment: the tables of each database, and the connection to use."""

import importlib
from pathlib import Path
from typing import Any, Literal

from alembic import context
from sqlalchemy import DateTime, MetaData
from sqlmodel.sql.sqltypes import AutoString

from app.platform.db.columns import main_metadata
from app.platform.db.revisions import DatabaseKind

APP = Path(__file__).parents[3]


def tables(kind: DatabaseKind) -> MetaData:
    """The metadata of all tables of a database."""
    # Found by name, not imported: every package has tables, and `db` may import none of them.
    if kind is DatabaseKind.KEYSTORE:
        keystore: MetaData = importlib.import_module("app.platform.vault.tables").keystore_metadata
        return keystore
    for path in sorted(APP.glob("**/tables.py")):
        importlib.import_module(".".join(path.relative_to(APP.parent).with_suffix("").parts))
    return main_metadata


def render_item(type_: str, value: Any, _: object) -> str | Literal[False]:
    """Render column types in SQLAlchemy's names: a migration must not depend on a later version of the program."""
    if type_ == "type" and isinstance(value, DateTime):
        return "sa.DateTime(timezone=True)"
    if type_ == "type" and isinstance(value, AutoString):
        return f"sa.String(length={value.length})" if value.length else "sa.String()"
    return False


kind: DatabaseKind = context.config.attributes["kind"]
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables(kind) if context.config.attributes.get("compare") else None,
    render_as_batch=True,
    compare_type=True,
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
