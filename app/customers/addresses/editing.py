"""Creates, changes and deletes addresses."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from app.customers.addresses import defaults
from app.customers.addresses.books import AddressBook
from app.customers.addresses.checks import NOTHING, Strictness, checked
from app.customers.addresses.defaults import FLAGS, AddressType, IsDefault, Types, held_by
from app.customers.addresses.records import AddressRecord, Personal, camel
from app.customers.addresses.tables import Address
from app.platform.audit.log import Action
from app.platform.errors import AppError, Conflict, ErrorCode, Invalid
from app.platform.validation import Validation

MOST = 100


class LimitReached(AppError):
    """The customer has as many addresses as allowed."""

    code: ClassVar[ErrorCode] = ErrorCode.LIMIT_REACHED
    message = f"There are {MOST} addresses already, which is the most a customer can have. Delete one first."


class LastAddress(AppError):
    """The organization wants every customer to keep an address."""

    code: ClassVar[ErrorCode] = ErrorCode.LAST_ADDRESS
    message = "This is the last address and cannot be deleted. Add another one first."
    field = ("id",)


class Saved(NamedTuple):
    """An address as it was written, and what its country would have wished otherwise."""

    record: AddressRecord
    warnings: list[AppError]


async def create(book: AddressBook, *, country: str, typed: Personal, wanted: Types, strictness: Strictness) -> Saved:
    """Add an address: the default for the `wanted` types, and for those that have no default yet.

    Raise `Rejected` with every wrong field, `LimitReached`.
    """
    if len(book.rows) >= MOST:
        raise LimitReached
    validation = Validation()
    address = checked(validation, country, typed, strictness=strictness)
    validation.finish()
    row = book.blank(address.country_code, address.personal)
    types = wanted | defaults.vacant(book.rows)
    await defaults.vacate(book, types)
    defaults.give(row, types)
    book.session.add(row)
    await book.session.flush()
    filled = _differences(NOTHING, address.personal)
    book.record(Action.ADDRESS_CREATED, row, "country", *filled, *defaults.field_names(types))
    return Saved(book.read(row), address.warnings)


class Edit(NamedTuple):
    """A partial change: `personal` holds only what was named; `country` and the flags are None where they were not.

    An empty `country` was named and is refused: there is no address without one.
    """

    country: str | None
    personal: Mapping[str, Any]
    flags: Mapping[AddressType, bool | None]
    expected_version: int | None


async def update(book: AddressBook, address_id: UUID, *, edit: Edit, strictness: Strictness) -> Saved:
    """Change what is named in `edit` and leave the rest; nothing is written when nothing differs.

    Raise `NotFound`, `Conflict` for a stale version, `Rejected` with every wrong field.
    """
    row = book.find(address_id, "id")
    if edit.expected_version not in {None, row.version}:
        raise Conflict(field=("expectedVersion",))
    kept = book.read(row)
    validation = Validation()
    typed = replace(kept.personal, **edit.personal)
    country = row.country_code if edit.country is None else edit.country
    address = checked(validation, country, typed, strictness=strictness, kept=kept)
    types = _taken(validation, row, edit.flags)
    validation.finish()
    changed = _differences(kept.personal, address.personal) + defaults.field_names(types)
    if address.country_code != row.country_code:
        changed.append("country")
    if changed:
        await defaults.vacate(book, types)
        defaults.give(row, types)
        book.write(row, address.country_code, address.personal)
        defaults.touch(row)
        await book.session.flush()
        book.record(Action.ADDRESS_UPDATED, row, *changed)
    return Saved(book.read(row), address.warnings)


def _taken(validation: Validation, row: Address, flags: Mapping[AddressType, bool | None]) -> Types:
    """The types that the address becomes the default for; a default cannot simply stop being one."""
    held = held_by(row)
    for kind in AddressType:
        if kind in held and flags[kind] is False:
            validation.add(IsDefault(), camel(FLAGS[kind]))
    return frozenset(kind for kind, flag in flags.items() if flag) - held


def _differences(before: Personal, after: Personal) -> list[str]:
    names = (field.name for field in fields(Personal))
    return [camel(name) for name in names if getattr(before, name) != getattr(after, name)]


async def delete(book: AddressBook, address_id: UUID, *, replacement_id: UUID | None, keep_last: bool) -> None:
    """Delete an address; `replacement_id` takes over what it was the default for.

    Raise `NotFound`; `IsDefault` when somebody must take over and nobody was named; `LastAddress` when
    there is no other one and the organization keeps the last.
    """
    row = book.find(address_id, "id")
    replacement = _replacement(book, row, replacement_id)
    if keep_last and not book.others(row):
        raise LastAddress
    types = held_by(row)
    if types and replacement is None and book.others(row):
        raise IsDefault("This is a default address. Name another one that takes over.", field=("replacementId",))
    await book.session.delete(row)
    await book.session.flush()
    book.record(Action.ADDRESS_DELETED, row)
    if types and replacement is not None:
        defaults.give(replacement, types)
        defaults.touch(replacement)
        await book.session.flush()
        book.record(Action.ADDRESS_MADE_DEFAULT, replacement, *defaults.field_names(types))


def _replacement(book: AddressBook, row: Address, replacement_id: UUID | None) -> Address | None:
    if replacement_id is None:
        return None
    if replacement_id == row.id:
        raise Invalid("An address cannot take over from itself. Name another one.", field=("replacementId",))
    return book.find(replacement_id, "replacementId")
