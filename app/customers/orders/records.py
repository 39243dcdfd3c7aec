"""Read model of an order: the columns of its row, and the address copies when requested."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

from app.customers.orders.tables import Order
from app.platform.money import Money
from app.platform.validation import camel_case
from app.platform.vault.sealing import DataKeyCipher

TABLE = "orders"


class OrderStatus(Enum):
    """The status of an order."""

    PENDING = "PENDING"
    PLACED = "PLACED"
    FULFILLED = "FULFILLED"
    CANCELLED = "CANCELLED"

    @property
    def counts_as_placed(self) -> bool:
        """Whether it counts for the status of its customer (`app.customers.records.status_of`)."""
        return self in {OrderStatus.PLACED, OrderStatus.FULFILLED}


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressCopy:
    """An address at the time of the order; `country` is ISO 3166-1, `phone` E.164 where it can be parsed."""

    country: str
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    postal_code: str | None = None
    zone: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class AddressCopies:
    """The sealed values of an order's row."""

    shipping: AddressCopy | None = None
    billing: AddressCopy | None = None

    @property
    def country_code(self) -> str | None:
        """The country of the shipping address, or else of the billing address; it stays after an erasure."""
        copy = self.shipping or self.billing
        return copy.country if copy else None


class OrderRow(NamedTuple):
    """The columns that every read of an order selects, in the order of `COLUMNS`."""

    id: UUID
    customer_id: UUID | None
    number: str
    status: str
    placed_at: datetime
    cancelled_at: datetime | None
    total_minor: int
    currency_code: str
    item_count: int
    country_code: str | None
    sealed: bytes | None
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def total(self) -> Money:
        """The total amount."""
        return Money(self.total_minor, self.currency_code)

    @property
    def key_owner_id(self) -> UUID:
        """The owner of the key that seals the copies: the customer, or the order itself while it is a guest's."""
        return self.customer_id or self.id

    def exported(self, copies: AddressCopies) -> dict[str, object]:
        """All values under the names of GraphQL, as JSON values."""
        return {
            "number": self.number,
            "status": self.status,
            "placedAt": self.placed_at.isoformat(),
            "cancelledAt": self.cancelled_at.isoformat() if self.cancelled_at else None,
            "total": {"amount": self.total.amount, "currencyCode": self.currency_code},
            "itemCount": self.item_count,
            "countryCode": self.country_code,
            "shippingAddress": _exported(copies.shipping),
            "billingAddress": _exported(copies.billing),
        }


COLUMNS: Sequence[Any] = tuple(getattr(Order, name) for name in OrderRow._fields)


def row_of(order: Order) -> OrderRow:
    """The columns of a row that was just written."""
    return OrderRow._make(getattr(order, name) for name in OrderRow._fields)


def open_copies(row: OrderRow | Order, cipher: DataKeyCipher | None) -> AddressCopies:
    """The decrypted address copies of a row; empty when there are none, or their key was destroyed."""
    if row.sealed is None or cipher is None:
        return AddressCopies()
    found: dict[str, dict[str, Any] | None] = cipher.open(TABLE, row.id, row.sealed)
    return AddressCopies(**{name: AddressCopy(**copy) if copy else None for name, copy in found.items()})


def seal_copies(copies: AddressCopies, order_id: UUID, cipher: DataKeyCipher) -> bytes:
    """The address copies sealed for the row of an order."""
    return cipher.seal(TABLE, order_id, copies)


def _exported(copy: AddressCopy | None) -> dict[str, object] | None:
    return {camel_case(name): value for name, value in asdict(copy).items()} if copy else None
