"""Reads the extra fields of an organization."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.fields.extras import ExtraFieldDefinition
from app.customers.fields.field_types import FieldType, Option
from app.customers.fields.tables import ExtraField
from app.platform.db.reading import Read
from app.platform.vault.vault import Store

_COLUMNS: Sequence[Any] = (
    ExtraField.id,
    ExtraField.name,
    ExtraField.type,
    ExtraField.required,
    ExtraField.pattern,
    ExtraField.max_length,
    ExtraField.position,
    ExtraField.labels,
    ExtraField.options,
)


def _definition(values: Sequence[Any]) -> ExtraFieldDefinition:
    row_id, name, kind, required, pattern, max_length, position, labels, options = values
    return ExtraFieldDefinition(
        id=row_id,
        name=name,
        type=FieldType(kind),
        required=required,
        pattern=pattern,
        max_length=max_length,
        position=position,
        labels=labels,
        options=tuple(Option(one["value"], one["labels"]) for one in options),
    )


_BY_ORGANIZATION = Read(
    select(*_COLUMNS)
    .where(col(ExtraField.organization_id) == bindparam("organization_id"))
    .order_by(col(ExtraField.position), col(ExtraField.name)),
    _definition,
)


async def by_organization(store: Store, organization_id: UUID) -> list[ExtraFieldDefinition]:
    """All extra fields of an organization, in the order in which forms show them."""
    return await store.database.rows(_BY_ORGANIZATION, organization_id=organization_id)


async def lock(session: AsyncSession, *, organization_id: UUID, field_id: UUID) -> ExtraField | None:
    """Lock the row of an extra field; None where the organization has none with this id."""
    row = await session.get(ExtraField, field_id, with_for_update=True)
    return row if row is not None and row.organization_id == organization_id else None
