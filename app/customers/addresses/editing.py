"""Creates, updates and deletes addresses."""

from collections.abc import Mapping
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from app.customers.addresses import defaults
from app.customers.addresses.checks import NO_DETAILS, Strictness, check_address
from app.customers.addresses.customer_addresses import CustomerAddresses
from app.customers.addresses.defaults import (
    DEFAULT_FLAGS,
    AddressIsDefault,
    AddressType,
    AddressTypes,
    default_types_of,
)
from app.customers.addresses.records import AddressDetails, AddressRecord
from app.customers.addresses.tables import Address
from app.platform.audit.log import Action
from app.platform.errors import AppError, Conflict, ErrorCode, Invalid
from app.platform.validation import Validation, camel_case

MAX_ADDRESSES = 100


class AddressLimitReached(AppError):
    """The customer already has the maximum number of addresses."""

    code: ClassVar[ErrorCode] = ErrorCode.LIMIT_REACHED
    message = "There are {max} addresses already, which is the most a customer can have. Delete one first."
    values = MappingProxyType({"max": MAX_ADDRESSES})


class LastAddress(AppError):
    """The organization requires every customer to keep an address."""

    code: ClassVar[ErrorCode] = ErrorCode.LAST_ADDRESS
    message = "This is the last address and cannot be deleted. Add another one first."
    field = ("id",)


class SavedAddress(NamedTuple):
    """The written address, and the violations of its country's rules that were allowed."""

    record: AddressRecord
    warnings: list[AppError]


async def create(
    addresses: CustomerAddresses,
    *,
    country: str,
    typed: AddressDetails,
    default_types: AddressTypes,
    strictness: Strictness,
) -> SavedAddress:
    """Add an address; it becomes the default for `default_types`, and for the types that have no default yet.

    Raise `AppErrorGroup` with every wrong field, `AddressLimitReached`.
    """
    if len(addresses.rows) >= MAX_ADDRESSES:
        raise AddressLimitReached
    validation = Validation()
    address = check_address(validation, country, typed, strictness=strictness)
    validation.raise_errors()
    row = addresses.new_row(address.country_code, address.details)
    types = default_types | defaults.types_without_default(addresses.rows)
    await defaults.clear_defaults(addresses, types)
    defaults.make_default(row, types)
    addresses.session.add(row)
    await addresses.session.flush()
    filled = _differences(NO_DETAILS, address.details)
    addresses.audit(Action.ADDRESS_CREATED, row, "country", *filled, *defaults.field_names(types))
    return SavedAddress(addresses.open(row), address.warnings)


class AddressChanges(NamedTuple):
    """A partial change: `details` holds only the given fields; `country` and the flags are None where absent.

    An empty `country` was given and is refused: an address has a country.
    """

    country: str | None
    details: Mapping[str, Any]
    flags: Mapping[AddressType, bool | None]
    expected_version: int | None


async def update(
    addresses: CustomerAddresses, address_id: UUID, *, changes: AddressChanges, strictness: Strictness
) -> SavedAddress:
    """Apply `changes` and leave the rest; nothing is written when nothing differs.

    Raise `NotFound`, `Conflict` for a stale version, `AppErrorGroup` with every wrong field.
    """
    row = addresses.find(address_id, "id")
    if changes.expected_version not in {None, row.version}:
        raise Conflict(field=("expectedVersion",))
    existing = addresses.open(row)
    validation = Validation()
    typed = replace(existing.details, **changes.details)
    country = row.country_code if changes.country is None else changes.country
    address = check_address(validation, country, typed, strictness=strictness, existing=existing)
    types = _new_default_types(validation, row, changes.flags)
    validation.raise_errors()
    changed = _differences(existing.details, address.details) + defaults.field_names(types)
    if address.country_code != row.country_code:
        changed.append("country")
    if changed:
        await defaults.clear_defaults(addresses, types)
        defaults.make_default(row, types)
        addresses.set_details(row, address.country_code, address.details)
        defaults.increment_version(row)
        await addresses.session.flush()
        addresses.audit(Action.ADDRESS_UPDATED, row, *changed)
    return SavedAddress(addresses.open(row), address.warnings)


def _new_default_types(validation: Validation, row: Address, flags: Mapping[AddressType, bool | None]) -> AddressTypes:
    """The types that the address becomes the default for; a flag of false on a default is an error."""
    current_default_types = default_types_of(row)
    for kind in AddressType:
        if kind in current_default_types and flags[kind] is False:
            validation.add(AddressIsDefault(), camel_case(DEFAULT_FLAGS[kind]))
    return frozenset(kind for kind, flag in flags.items() if flag) - current_default_types


def _differences(before: AddressDetails, after: AddressDetails) -> list[str]:
    names = (field.name for field in fields(AddressDetails))
    return [camel_case(name) for name in names if getattr(before, name) != getattr(after, name)]


async def delete(
    addresses: CustomerAddresses, address_id: UUID, *, replacement_id: UUID | None, keep_last: bool
) -> None:
    """Delete an address; `replacement_id` becomes the default for the types that the deleted one was.

    Raise `NotFound`; `AddressIsDefault` when a replacement is needed and none was named; `LastAddress` when there is no
    other one and `keep_last` is set.
    """
    row = addresses.find(address_id, "id")
    replacement = _replacement(addresses, row, replacement_id)
    if keep_last and not addresses.others(row):
        raise LastAddress
    types = default_types_of(row)
    if types and replacement is None and addresses.others(row):
        raise AddressIsDefault("This is a default address. Name another one that takes over.", field=("replacementId",))
    await addresses.session.delete(row)
    await addresses.session.flush()
    addresses.audit(Action.ADDRESS_DELETED, row)
    if types and replacement is not None:
        await defaults.take_over(addresses, replacement, types)


def _replacement(addresses: CustomerAddresses, row: Address, replacement_id: UUID | None) -> Address | None:
    if replacement_id is None:
        return None
    if replacement_id == row.id:
        raise Invalid("An address cannot take over from itself. Name another one.", field=("replacementId",))
    return addresses.find(replacement_id, "replacementId")
