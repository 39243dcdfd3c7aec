"""Creates, updates and deletes customer groups."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.groups import references, values
from app.customers.groups.repository import GroupRow, row_of
from app.customers.groups.tables import CustomerGroup
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.inserts import insert_if_absent
from app.platform.db.locks import NO_KEY
from app.platform.errors import AppError, Conflict, ErrorCode, NotFound
from app.platform.validation import Validation

MAX_GROUPS = 1000
API_NAMES = {"tax_exempt": "taxExempt", "is_default": "isDefault"}
PARSERS: dict[str, Callable[[Any], Any]] = {"code": values.code, "name": values.name}


class CodeTaken(AppError):
    """Another group (for a market: another market) of the organization has the code."""

    code = ErrorCode.TAKEN
    message = "This code is taken already."
    field = ("code",)


class GroupInUse(AppError):
    """Customers or markets belong to the group, or it is the default group."""

    code = ErrorCode.IN_USE
    message = "Customers or markets belong to this group. Name the group that takes its place in replacementId."
    field = ("id",)


class TooManyGroups(AppError):
    """The organization already has the maximum number of groups."""

    code = ErrorCode.LIMIT_REACHED
    message = "An organization has at most {max} groups."
    values = MappingProxyType({"max": MAX_GROUPS})


async def create(
    session: AsyncSession, *, organization_id: UUID, code: str, name: str, tax_exempt: bool, is_default: bool
) -> GroupRow:
    """Create a group; raise `AppErrorGroup`, `CodeTaken`, `TooManyGroups`."""
    validation = Validation()
    code = validation.require("code", values.code, code)
    name = validation.require("name", values.name, name)
    validation.raise_errors()
    group_count = select(func.count()).where(col(CustomerGroup.organization_id) == organization_id)
    if (await session.exec(group_count)).one() >= MAX_GROUPS:
        raise TooManyGroups
    group_id, moment = new_id(), now()
    inserted = await insert_if_absent(
        session,
        CustomerGroup,
        id=group_id,
        organization_id=organization_id,
        code=code,
        name=name,
        tax_exempt=tax_exempt,
        is_default=False,
        created_at=moment,
        updated_at=moment,
    )
    if not inserted:
        raise CodeTaken
    groups = await _lock_all(session, organization_id=organization_id)
    if is_default:
        await _make_default(session, groups, group_id)
    return row_of(groups[group_id])


async def update(
    session: AsyncSession, *, organization_id: UUID, group_id: UUID, input_values: Mapping[str, Any]
) -> tuple[GroupRow, list[str]]:
    """Set the given fields of a group; return it with the API names of what changed.

    Raise `NotFound`, `AppErrorGroup`, `CodeTaken`.
    """
    changes = _parse(input_values)
    groups = await _lock_all(session, organization_id=organization_id)
    group = groups.get(group_id)
    if group is None:
        raise NotFound("There is no group with this id.", field=("id",))
    changed = [field for field, value in changes.items() if getattr(group, field) != value]
    for field in changed:
        if field != "is_default":
            setattr(group, field, changes[field])
    if changed:
        group.updated_at = now()
    try:
        await session.flush()
    except IntegrityError:
        raise CodeTaken from None
    if "is_default" in changed:
        await _make_default(session, groups, group_id if changes["is_default"] else None)
    return row_of(group), [API_NAMES.get(field, field) for field in changed]


def _parse(input_values: Mapping[str, Any]) -> dict[str, Any]:
    validation = Validation()
    changes = {
        field: validation.require(API_NAMES.get(field, field), PARSERS.get(field, bool), value)
        for field, value in input_values.items()
    }
    validation.raise_errors()
    return changes


async def delete(session: AsyncSession, *, organization_id: UUID, group_id: UUID, replacement_id: UUID | None) -> int:
    """Delete a group; the replacement takes over its customers, its markets and its place as the default group.

    | Replacement          | The group                          | Result                                     |
    | -------------------- | ---------------------------------- | ------------------------------------------ |
    | none                 | not in use, not the default        | deleted                                    |
    | none                 | in use, or the default             | `GroupInUse`                               |
    | another group        | any                                | deleted, everything moves                  |
    | itself, unknown      | any                                | `NotFound` of `replacementId`              |

    Return how many customers were moved. Raise `NotFound` of `id`.
    """
    groups = await _lock_all(session, organization_id=organization_id)
    group = groups.get(group_id)
    if group is None:
        raise NotFound("There is no group with this id.", field=("id",))
    if replacement_id is not None and (replacement_id not in groups or replacement_id == group_id):
        raise NotFound("There is no other group with this id.", field=("replacementId",))
    moved = 0
    if replacement_id is None:
        if group.is_default or await references.in_use(session, group_id=group_id):
            raise GroupInUse
    else:
        moved = await references.reassign(session, group_id=group_id, to=replacement_id)
        if group.is_default:
            await _make_default(session, groups, replacement_id)
    await session.delete(group)
    await session.flush()
    return moved


async def _lock_all(session: AsyncSession, *, organization_id: UUID) -> dict[UUID, CustomerGroup]:
    """Lock all groups of the organization, in the order of their ids: changes of the default are serialized."""
    statement = (
        select(CustomerGroup)
        .where(CustomerGroup.organization_id == organization_id)
        .order_by(col(CustomerGroup.id))
        # Customers may join a group meanwhile: only deleting one makes them wait.
        .with_for_update(**NO_KEY)
    )
    return {group.id: group for group in (await session.exec(statement)).all()}


async def _make_default(session: AsyncSession, groups: Mapping[UUID, CustomerGroup], group_id: UUID | None) -> None:
    for group in groups.values():
        group.is_default = False
    # The unique index allows one default at any moment: clear the old one first.
    await session.flush()
    if group_id is None:
        return
    groups[group_id].is_default = True
    try:
        await session.flush()
    except IntegrityError:
        raise Conflict(field=("isDefault",)) from None
