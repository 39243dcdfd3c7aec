"""Read model of a payment method: the columns of its row and the decrypted details."""

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from app.customers.payment_methods.gateways.interface import Instrument, PaymentMethodType
from app.customers.payment_methods.tables import PaymentMethod
from app.platform.vault.sealing import DataKeyCipher

TABLE = "payment_methods"
NOTICE_PERIOD = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMethodDetails:
    """The sealed values of a payment method's row."""

    token: str
    brand: str | None = None
    last4: str | None = None
    expiry_month: int | None = None
    expiry_year: int | None = None
    funding: str | None = None
    country: str | None = None
    fingerprint: str | None = None

    @classmethod
    def from_instrument(cls, instrument: Instrument) -> "PaymentMethodDetails":
        """The details to store of an instrument."""
        return cls(
            token=instrument.gateway_token,
            brand=instrument.brand,
            last4=instrument.last4,
            expiry_month=instrument.expiry_month,
            expiry_year=instrument.expiry_year,
            funding=instrument.funding,
            country=instrument.country,
            fingerprint=instrument.fingerprint,
        )

    @property
    def valid_until(self) -> date | None:
        """The last valid day: the end of the month printed on the card; None for what has no expiry."""
        if self.expiry_month is None or self.expiry_year is None:
            return None
        return date(self.expiry_year, self.expiry_month, calendar.monthrange(self.expiry_year, self.expiry_month)[1])

    def expires_soon(self, today: date) -> bool:
        """Whether it has expired or is valid for less than 30 more days; False for what has no expiry."""
        return self.valid_until is not None and self.valid_until - today < NOTICE_PERIOD

    @property
    def notice_at(self) -> datetime | None:
        """When the owner gets a notice of the expiry: 00:00 UTC of the first day on which it `expires_soon`."""
        if self.valid_until is None:
            return None
        return datetime.combine(self.valid_until - NOTICE_PERIOD + timedelta(days=1), time.min, UTC)


class PaymentMethodRow(NamedTuple):
    """The columns that every read of a payment method selects, in the order of `COLUMNS`."""

    id: UUID
    customer_id: UUID
    gateway: str
    type: str
    sealed: bytes
    is_default: bool
    created_at: datetime


COLUMNS: Sequence[Any] = (
    PaymentMethod.id,
    PaymentMethod.customer_id,
    PaymentMethod.gateway,
    PaymentMethod.type,
    PaymentMethod.sealed,
    PaymentMethod.is_default,
    PaymentMethod.created_at,
)


@dataclass(frozen=True, slots=True)
class PaymentMethodRecord:
    """A payment method with its details decrypted."""

    row: PaymentMethodRow
    details: PaymentMethodDetails

    @property
    def type(self) -> PaymentMethodType:
        """The kind of payment method, parsed."""
        return PaymentMethodType(self.row.type)

    def exported(self) -> dict[str, object]:
        """All that its owner may know of it, as JSON values; without the gateway's token."""
        return {
            "gateway": self.row.gateway,
            "type": self.row.type,
            "brand": self.details.brand,
            "last4": self.details.last4,
            "expiryMonth": self.details.expiry_month,
            "expiryYear": self.details.expiry_year,
            "funding": self.details.funding,
            "country": self.details.country,
            "isDefault": self.row.is_default,
            "createdAt": self.row.created_at.isoformat(),
        }


def open_row(row: PaymentMethodRow | PaymentMethod, cipher: DataKeyCipher) -> PaymentMethodDetails:
    """The decrypted details of a row."""
    return cipher.open_as(PaymentMethodDetails, TABLE, row.id, row.sealed)


def open_rows(rows: Sequence[PaymentMethodRow], ciphers: Mapping[UUID, DataKeyCipher]) -> list[PaymentMethodRecord]:
    """The records of rows; rows of customers whose key was destroyed are left out."""
    return [
        PaymentMethodRecord(row, open_row(row, ciphers[row.customer_id])) for row in rows if row.customer_id in ciphers
    ]


def record_of(method: PaymentMethod, details: PaymentMethodDetails) -> PaymentMethodRecord:
    """The record of a row that was just written."""
    row = PaymentMethodRow(
        method.id,
        method.customer_id,
        method.gateway,
        method.type,
        method.sealed,
        method.is_default,
        method.created_at,
    )
    return PaymentMethodRecord(row, details)
