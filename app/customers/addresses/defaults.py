"""The default addresses of a customer: exactly one for each type while there are addresses.

For each type, shipping and billing:

| Event                                               | The default                                              |
| --------------------------------------------------- | -------------------------------------------------------- |
| the first address is created                        | becomes that one                                         |
| another is created or updated with the flag true    | moves to it                                              |
| `setDefaultAddress`                                 | moves to the named one                                   |
| the default is updated with the flag false          | stays: `IS_DEFAULT`                                      |
| the default is deleted, `replacementId` is given    | moves to the replacement                                 |
| the default is deleted without, others are left     | stays: `IS_DEFAULT`                                      |
| the last address is deleted                         | there is none; `LAST_ADDRESS` if the organization keeps one |
"""

from collections.abc import Iterable
from enum import Enum
from typing import ClassVar
from uuid import UUID

from app.customers.addresses.customer_addresses import CustomerAddresses
from app.customers.addresses.records import AddressRecord
from app.customers.addresses.tables import Address
from app.platform.audit.log import Action
from app.platform.clock import now
from app.platform.errors import AppError, ErrorCode
from app.platform.validation import camel_case


class AddressType(Enum):
    """The purposes that an address can be the default for."""

    SHIPPING = "SHIPPING"
    BILLING = "BILLING"


AddressTypes = frozenset[AddressType]
ALL_TYPES: AddressTypes = frozenset(AddressType)
DEFAULT_FLAGS = {AddressType.SHIPPING: "is_default_shipping", AddressType.BILLING: "is_default_billing"}


class AddressIsDefault(AppError):
    """The address is a default, and no replacement was named."""

    code: ClassVar[ErrorCode] = ErrorCode.IS_DEFAULT
    message = "This is a default address. Make another address the default instead."


def default_types_of(row: Address) -> AddressTypes:
    """The types that this address is the default for."""
    return frozenset(kind for kind in AddressType if getattr(row, DEFAULT_FLAGS[kind]))


def types_without_default(rows: Iterable[Address]) -> AddressTypes:
    """The types that none of these addresses is the default for."""
    return ALL_TYPES.difference(*(default_types_of(row) for row in rows))


def field_names(types: AddressTypes) -> list[str]:
    """The names of the flags in the GraphQL input."""
    return [camel_case(DEFAULT_FLAGS[kind]) for kind in types]


def increment_version(row: Address) -> None:
    """Increment the version of a row."""
    row.version += 1
    row.updated_at = now()


async def clear_defaults(addresses: CustomerAddresses, types: AddressTypes) -> None:
    """Clear these flags where they are set, and flush: the unique indexes allow one default at any moment."""
    current_defaults = [row for row in addresses.rows if default_types_of(row) & types]
    for row in current_defaults:
        for kind in types:
            setattr(row, DEFAULT_FLAGS[kind], False)
        increment_version(row)
    if current_defaults:
        await addresses.session.flush()


def make_default(row: Address, types: AddressTypes) -> None:
    """Set the flags of these types, which no other address has (any more)."""
    for kind in types:
        setattr(row, DEFAULT_FLAGS[kind], True)


async def take_over(addresses: CustomerAddresses, row: Address, types: AddressTypes) -> None:
    """Make an address the default for types that no other one is the default for any more, and audit it."""
    make_default(row, types)
    increment_version(row)
    await addresses.session.flush()
    addresses.audit(Action.ADDRESS_MADE_DEFAULT, row, *field_names(types))


async def set_default(addresses: CustomerAddresses, address_id: UUID, kind: AddressType) -> AddressRecord:
    """Make an address the only default for this type; nothing is written when it already is."""
    row = addresses.find(address_id, "id")
    types = frozenset({kind}) - default_types_of(row)
    if types:
        await clear_defaults(addresses, types)
        await take_over(addresses, row, types)
    return addresses.open(row)
