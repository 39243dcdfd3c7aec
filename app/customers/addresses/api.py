"""GraphQL types of addresses; their mutations are in `addresses_api`."""

from datetime import datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import Info

from app.customers.addresses import repository
from app.customers.addresses.checks import postal_address
from app.customers.addresses.records import AddressRecord
from app.platform.geography.api import Country, Zone, graphql_country, graphql_zone
from app.platform.geography.formatting import format_address
from app.platform.graphql import ids
from app.platform.graphql.access import CUSTOMER, back_office
from app.platform.graphql.context import Context
from app.platform.graphql.ids import Node
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

    @strawberry.field(
        description="The lines for an envelope in the country's own order, the country last and in English; without it "
        "for an address in the shop's own `defaultCountry`."
    )
    def formatted(self, info: Info[Context, None]) -> list[str]:
        """The lines as the country's postal service wants them."""
        sent_from = info.context.organization.settings.default_country
        return format_address(postal_address(self.country.source, self.record.details), sent_from=sent_from)


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
