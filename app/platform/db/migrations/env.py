"""Alembic's environment: the tables of each database, and the connection to use."""

import importlib
from pathlib import Path
from typing import Any, Literal

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import DateTime, MetaData, delete, func, insert, select
from sqlmodel.sql.sqltypes import AutoString

from app.platform.db.columns import main_metadata
from app.platform.db.revisions import APPLIED, EXPAND, DatabaseKind

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


def record(ctx: MigrationContext, step: MigrationInfo, *_: object, **__: object) -> None:
    """Note an applied migration, in its own transaction, or remove the note of one that was taken back."""
    if ctx.as_sql or ctx.connection is None:
        return
    APPLIED.create(ctx.connection, checkfirst=True)
    if step.is_upgrade:
        position = func.coalesce(select(func.max(APPLIED.c.position) + 1).scalar_subquery(), 1)
        kind_of_step = getattr(getattr(step.up_revision, "module", None), "step", EXPAND)
        values = {"position": position, "revision": step.up_revision_id, "step": kind_of_step}
        ctx.connection.execute(insert(APPLIED).values(values))
    else:
        ctx.connection.execute(delete(APPLIED).where(APPLIED.c.revision == step.up_revision_id))


def is_of_program(name: str | None, type_: str, _: object) -> bool:
    """Whether Alembic compares an object with the tables of the program."""
    return not (type_ == "table" and name == APPLIED.name)


kind: DatabaseKind = context.config.attributes["kind"]
connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    # Without a connection the statements are printed, for the checks of `migration_rules.py`.
    dialect_name=None if connection is not None else "postgresql",
    literal_binds=connection is None,
    target_metadata=tables(kind) if context.config.attributes.get("compare") else None,
    render_as_batch=True,
    compare_type=True,
    render_item=render_item,
    include_name=is_of_program,
    on_version_apply=record,
    # What was done stays done when a later migration waits for a lock in vain.
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
