"""The default addresses of a customer: exactly one for each type while there are addresses."""

from collections.abc import Iterable
from enum import Enum
from typing import ClassVar
from uuid import UUID

from app.customers.addresses.books import AddressBook
from app.customers.addresses.records import AddressRecord, camel
from app.customers.addresses.tables import Address
from app.platform.audit.log import Action
from app.platform.clock import now
from app.platform.errors import AppError, ErrorCode


class AddressType(Enum):
    """What an address is the default for."""

    SHIPPING = "SHIPPING"
    BILLING = "BILLING"


Types = frozenset[AddressType]
ALL: Types = frozenset(AddressType)
FLAGS = {AddressType.SHIPPING: "is_default_shipping", AddressType.BILLING: "is_default_billing"}


class IsDefault(AppError):
    """The address is a default, and no other one was named that takes over."""

    code: ClassVar[ErrorCode] = ErrorCode.IS_DEFAULT
    message = "This is a default address. Make another address the default instead."


def held_by(row: Address) -> Types:
    """The types that this address is the default for."""
    return frozenset(kind for kind in AddressType if getattr(row, FLAGS[kind]))


def vacant(rows: Iterable[Address]) -> Types:
    """The types that none of these addresses is the default for."""
    return ALL.difference(*(held_by(row) for row in rows))


def field_names(types: Types) -> list[str]:
    """The names of the flags in the GraphQL input."""
    return [camel(FLAGS[kind]) for kind in types]


def touch(row: Address) -> None:
    """Make the row its next version."""
    row.version += 1
    row.updated_at = now()


async def vacate(book: AddressBook, types: Types) -> None:
    """Take these types from the addresses that hold them, at once: the unique index allows no overlap."""
    losing = [row for row in book.rows if held_by(row) & types]
    for row in losing:
        for kind in types:
            setattr(row, FLAGS[kind], False)
        touch(row)
    if losing:
        await book.session.flush()


def give(row: Address, types: Types) -> None:
    """Make the address the default for these vacant types."""
    for kind in types:
        setattr(row, FLAGS[kind], True)


async def set_default(book: AddressBook, address_id: UUID, kind: AddressType) -> AddressRecord:
    """Make an address the default for this type and no other one; nothing happens when it is already."""
    row = book.find(address_id, "id")
    types = frozenset({kind}) - held_by(row)
    if types:
        await vacate(book, types)
        give(row, types)
        touch(row)
        await book.session.flush()
        book.record(Action.ADDRESS_MADE_DEFAULT, row, *field_names(types))
    return book.read(row)
