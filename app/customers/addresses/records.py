"""Read model of an address: the columns of its row and the decrypted details."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from app.customers.addresses.tables import Address
from app.platform.validation import camel_case
from app.platform.vault.sealing import DataKeyCipher

TABLE = "addresses"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressDetails:
    """The sealed values of an address's row.

    `zone` is the code of a zone of the country, or free text where the country has no such zone; `phone` is
    E.164; `latitude` and `longitude` are degrees (WGS 84), both or none.
    """

    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    is_business: bool = False
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    postal_code: str | None = None
    zone: str | None = None
    phone: str | None = None
    notes: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    place_id: str | None = None


class AddressRow(NamedTuple):
    """The columns that every read of an address selects, in the order of `COLUMNS`."""

    id: UUID
    customer_id: UUID
    country_code: str
    sealed: bytes
    is_default_shipping: bool
    is_default_billing: bool
    version: int
    created_at: datetime
    updated_at: datetime


COLUMNS: Sequence[Any] = (
    Address.id,
    Address.customer_id,
    Address.country_code,
    Address.sealed,
    Address.is_default_shipping,
    Address.is_default_billing,
    Address.version,
    Address.created_at,
    Address.updated_at,
)


@dataclass(frozen=True, slots=True)
class AddressRecord:
    """An address with its details decrypted."""

    row: AddressRow
    details: AddressDetails

    def exported(self) -> dict[str, object]:
        """All values under the names of the GraphQL input, as JSON values."""
        row = self.row
        return {
            "id": str(row.id),
            "country": row.country_code,
            **{camel_case(name): value for name, value in asdict(self.details).items()},
            "isDefaultShipping": row.is_default_shipping,
            "isDefaultBilling": row.is_default_billing,
            "createdAt": row.created_at.isoformat(),
            "updatedAt": row.updated_at.isoformat(),
        }


def open_row(row: AddressRow, cipher: DataKeyCipher) -> AddressRecord:
    """The record of a row, with its details decrypted."""
    return AddressRecord(row, cipher.open_as(AddressDetails, TABLE, row.id, row.sealed))


def row_of(address: Address) -> AddressRow:
    """The columns of a row that was just written."""
    return AddressRow(
        address.id,
        address.customer_id,
        address.country_code,
        address.sealed,
        address.is_default_shipping,
        address.is_default_billing,
        address.version,
        address.created_at,
        address.updated_at,
    )
