"""GraphQL types and mutations of addresses."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.addresses import defaults, editing, inputs, repository
from app.customers.addresses.checks import postal_address
from app.customers.addresses.customer_addresses import lock_addresses, lock_addresses_of
from app.customers.addresses.inputs import AddressInput, UpdateAddressInput
from app.customers.addresses.records import AddressRecord
from app.platform.geography.api import Country, Zone, graphql_country, graphql_zone
from app.platform.geography.formatting import format_address
from app.platform.graphql import ids
from app.platform.graphql.access import CUSTOMER, back_office
from app.platform.graphql.context import Context
from app.platform.graphql.fields import Payload, mutation
from app.platform.graphql.ids import Node
from app.platform.graphql.owner import owner_id
from app.platform.graphql.user_errors import UserError, as_user_errors
from app.platform.principal import Scope
from app.platform.values import PhoneNumber

KIND = "Address"
ALLOWED = [CUSTOMER, *back_office(Scope.CUSTOMERS_WRITE)]

AddressId = Annotated[strawberry.ID, strawberry.argument(description="The global id of the address.")]


@strawberry.enum(description="What an address is the default for.")
class AddressType(Enum):
    """The GraphQL enum of `defaults.AddressType`, with descriptions."""

    SHIPPING = strawberry.enum_value("SHIPPING", description="Where orders are delivered to.")
    BILLING = strawberry.enum_value("BILLING", description="What stands on invoices.")


@strawberry.type(description="An address of a customer.")
class Address(Node):
    """Plain values of the row; computed fields are resolved on request."""

    version: int = strawberry.field(description="Grows with every change; send it back as `expectedVersion`.")
    first_name: str | None = strawberry.field(description="Given name of who is addressed.")
    last_name: str | None = strawberry.field(description="Family name of who is addressed.")
    company: str | None = strawberry.field(description="Company that is addressed.")
    is_business: bool = strawberry.field(description="Whether this is the address of a company.")
    line1: str | None = strawberry.field(
        description="Street and number; null where only coordinates or a place id are known."
    )
    line2: str | None = strawberry.field(description="What else the street needs.")
    city: str | None = strawberry.field(description="City, town or suburb.")
    postal_code: str | None = strawberry.field(description="Postal code as the post of the country writes it.")
    zone: Zone | None = strawberry.field(
        description="State, province, canton … named like the country; as typed where the country has no such zone."
    )
    country: Country = strawberry.field(
        description="The country, named in the customer's own `locale`; in English where none is set, and for others."
    )
    phone: str | None = strawberry.field(description="Telephone number in E.164 form, such as +41446681800.")
    notes: str | None = strawberry.field(description="Hints for the delivery; may have several lines.")
    latitude: float | None = strawberry.field(description="Degrees north (WGS 84).")
    longitude: float | None = strawberry.field(description="Degrees east (WGS 84).")
    place_id: str | None = strawberry.field(description="Id of the place at a map service.")
    is_default_shipping: bool = strawberry.field(description="Whether orders are delivered here unless said otherwise.")
    is_default_billing: bool = strawberry.field(description="Whether invoices go here unless said otherwise.")
    created_at: datetime = strawberry.field(description="When the address was added.")
    updated_at: datetime = strawberry.field(description="When the address was changed last.")
    record: strawberry.Private[AddressRecord]

    @strawberry.field(description="The telephone number as it is written inside its own country.")
    def phone_national(self) -> str | None:
        """National form of the number."""
        return PhoneNumber(self.phone).national if self.phone else None

    @strawberry.field(description="The lines for an envelope in the country's own order, the country last.")
    def formatted(self) -> list[str]:
        """The lines as the country's postal service wants them."""
        return format_address(postal_address(self.country.source, self.record.details))


def to_address(address: AddressRecord, locale: str | None) -> Address:
    """The GraphQL object of a record, for a caller with this locale."""
    row, details = address.row, address.details
    return Address(
        id=ids.encode_owned(KIND, owner_id=row.customer_id, row_id=row.id),
        version=row.version,
        first_name=details.first_name,
        last_name=details.last_name,
        company=details.company,
        is_business=details.is_business,
        line1=details.line1,
        line2=details.line2,
        city=details.city,
        postal_code=details.postal_code,
        zone=graphql_zone(row.country_code, details.zone, locale),
        country=graphql_country(row.country_code, locale),
        phone=details.phone,
        notes=details.notes,
        latitude=details.latitude,
        longitude=details.longitude,
        place_id=details.place_id,
        is_default_shipping=row.is_default_shipping,
        is_default_billing=row.is_default_billing,
        created_at=row.created_at,
        updated_at=row.updated_at,
        record=address,
    )


async def addresses_of(context: Context, customer_id: UUID) -> list[Address]:
    """All addresses of a customer, oldest first; the caller checks the access."""
    locale = context.principal.locale
    return [to_address(address, locale) for address in await context.load(repository.of_customers, customer_id)]


def _payload_fields(context: Context, saved: editing.SavedAddress) -> dict[str, Any]:
    return {"address": to_address(saved.record, context.principal.locale), "warnings": as_user_errors(saved.warnings)}


@strawberry.type(description="The address that was written.")
class SavedAddressPayload(Payload):
    """The shared fields of the payloads of creating and updating."""

    address: Address | None = strawberry.field(description="The address as it is now.", default=None)
    warnings: list[UserError] = strawberry.field(
        default_factory=list,
        description="Where the address breaks rules of its country, in an organization that allows it; it was written.",
    )


@strawberry.type(description="The new address.")
class CreateAddressPayload(SavedAddressPayload):
    """Payload of `createAddress`."""


@strawberry.type(description="The changed address.")
class UpdateAddressPayload(SavedAddressPayload):
    """Payload of `updateAddress`."""


@strawberry.type(description="The new default address.")
class SetDefaultAddressPayload(Payload):
    """Payload of `setDefaultAddress`."""

    address: Address | None = strawberry.field(description="The address that is the default now.", default=None)


@strawberry.type(description="What was deleted.")
class DeleteAddressPayload(Payload):
    """Payload of `deleteAddress`."""

    deleted_address_id: strawberry.ID | None = strawberry.field(description="The id that is no more.", default=None)


@strawberry.type
class AddressMutations:
    """Mutations of addresses."""

    @mutation(
        allow=ALLOWED, description="Add an address, at most 100 for a customer. The first one becomes the default."
    )
    async def create_address(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[AddressInput, strawberry.argument(description="The address.")],
    ) -> CreateAddressPayload:
        """A customer adds its own; an integration names the customer."""
        customer_id = owner_id(context.principal, input.customer_id)
        addresses = await lock_addresses(session, context.store.vault, context.origin, customer_id=customer_id)
        saved = await editing.create(
            addresses,
            country=input.country,
            typed=inputs.address_details(input),
            default_types=inputs.default_types(input),
            strictness=context.organization.settings.address_strictness,
        )
        return CreateAddressPayload(**_payload_fields(context, saved))

    @mutation(
        allow=ALLOWED, description="Change an address, in part: a field left away stays, an explicit null clears it."
    )
    async def update_address(
        self,
        context: Context,
        session: AsyncSession,
        id: AddressId,
        input: Annotated[UpdateAddressInput, strawberry.argument(description="What to change.")],
    ) -> UpdateAddressPayload:
        """When anything changed: the next version and one audit row; else nothing."""
        owner, address_id = ids.decode_owned(KIND, id)
        addresses = await lock_addresses_of(session, context.store.vault, context.origin, owner_id=owner)
        strictness = context.organization.settings.address_strictness
        saved = await editing.update(addresses, address_id, changes=inputs.changes(input), strictness=strictness)
        return UpdateAddressPayload(**_payload_fields(context, saved))

    @mutation(
        allow=ALLOWED,
        description="Make an address the default for shipping or billing; the present one stops being it.",
    )
    async def set_default_address(
        self,
        context: Context,
        session: AsyncSession,
        id: AddressId,
        type: Annotated[AddressType, strawberry.argument(description="What it becomes the default for.")],
    ) -> SetDefaultAddressPayload:
        """Nothing is written when it already is the default."""
        owner, address_id = ids.decode_owned(KIND, id)
        addresses = await lock_addresses_of(session, context.store.vault, context.origin, owner_id=owner)
        record = await defaults.set_default(addresses, address_id, defaults.AddressType[type.name])
        return SetDefaultAddressPayload(address=to_address(record, context.principal.locale))

    @mutation(
        allow=ALLOWED,
        description="Delete an address. Another one takes over when it is a default and not the only one.",
    )
    async def delete_address(
        self,
        context: Context,
        session: AsyncSession,
        id: AddressId,
        replacement_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="The address that becomes the default for what the deleted one was."),
        ] = None,
    ) -> DeleteAddressPayload:
        """Orders keep their own copies of the address."""
        owner, address_id = ids.decode_owned(KIND, id)
        addresses = await lock_addresses_of(session, context.store.vault, context.origin, owner_id=owner)
        await editing.delete(
            addresses,
            address_id,
            replacement_id=ids.decode_owned(KIND, replacement_id, "replacementId").row_id if replacement_id else None,
            keep_last=context.organization.settings.keep_last_address,
        )
        return DeleteAddressPayload(deleted_address_id=ids.encode_owned(KIND, owner_id=owner, row_id=address_id))
