"""Helpers of migrations for what an expand step may do without holding anybody up."""

from collections.abc import Sequence
from typing import Any

from alembic import op


def add_index(name: str, table: str, columns: Sequence[str], **options: Any) -> None:
    """Create an index of an existing table; on PostgreSQL without a lock that keeps anybody from writing.

    On PostgreSQL it ends the transaction of the migration, so use it last. One that was interrupted leaves an invalid
    index, which is dropped first: the migration can be run again.
    """
    context = op.get_context()
    if context.dialect.name != "postgresql":
        op.create_index(name, table, columns, **options)
        return
    with context.autocommit_block():
        op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
        op.create_index(name, table, columns, postgresql_concurrently=True, **options)
