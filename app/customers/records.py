"""Read model of a customer: the columns of its row and the decrypted personal fields."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.customers.groups.tables import CustomerGroup
from app.customers.tables import Customer
from app.platform.validation import camel_case
from app.platform.vault.sealing import DataKeyCipher

TABLE = "customers"
PASSWORD_COLUMN = "customers.password"
REPEAT_MIN_ORDERS = 2
MAX_FORMER_EMAILS = 20


class CustomerStatus(Enum):
    """How often a customer has ordered; derived by `status_of`, never set."""

    PROSPECT = "PROSPECT"
    ACQUIRED = "ACQUIRED"
    REPEAT = "REPEAT"


class Approval(Enum):
    """The decision of the back office about a customer, in an organization that requires an approval."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"


def status_of(placed_orders: int) -> CustomerStatus:
    """The status of a customer with this many placed orders.

    | Orders that are PLACED or FULFILLED | Status   |
    | ----------------------------------- | -------- |
    | 0                                   | PROSPECT |
    | 1                                   | ACQUIRED |
    | 2 or more                           | REPEAT   |
    """
    if placed_orders >= REPEAT_MIN_ORDERS:
        return CustomerStatus.REPEAT
    return CustomerStatus.ACQUIRED if placed_orders else CustomerStatus.PROSPECT


# What the shop's own systems wrote; no browser can.
BACK_OFFICE_FIELDS = ("reference", "reference_origin", "tax_exemption_code", "metadata")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDetails:
    """The sealed values of a customer's row. `former_emails` are proven addresses that it had before, newest first."""

    email: str | None = None
    former_emails: Sequence[str] = ()
    login_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    fax: str | None = None
    company: str | None = None
    image_url: str | None = None
    birth_date: str | None = None
    locale: str | None = None
    reference: str | None = None
    reference_origin: str | None = None
    tax_exemption_code: str | None = None
    metadata: dict[str, Any] | None = None
    attributes: dict[str, str] | None = None
    terms_version: str | None = None
    terms_accepted_at: str | None = None
    newsletter_consented_at: str | None = None
    # The browser that typed all this, as a keyed hash of its secret, until somebody proves the address.
    registration: str | None = None

    @property
    def by_back_office(self) -> dict[str, Any]:
        """What of it the shop's own systems wrote."""
        return {name: getattr(self, name) for name in BACK_OFFICE_FIELDS}

    def with_email(self, address: str | None, *, proven: bool) -> "CustomerDetails":
        """The same with another address; the present one becomes a former one if it was `proven`."""
        former = [one for one in self.former_emails if one != address]
        if proven and self.email is not None:
            former = [self.email, *former][:MAX_FORMER_EMAILS]
        return replace(self, email=address, former_emails=former)


class CustomerRow(NamedTuple):
    """The columns that every read of a customer selects, in the order of `COLUMNS`.

    After a write (`row_of`) only the id of the group is known.
    """

    id: UUID
    organization_id: UUID
    sealed: bytes | None
    has_password: bool
    shopper_reference: str
    placed_orders: int
    group_id: UUID | None
    group_code: str | None
    group_name: str | None
    group_tax_exempt: bool | None
    newsletter: bool
    approval: str | None
    email_verified_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime
    erased_at: datetime | None


def _group_column(column: Any) -> Any:
    # A subquery, because every query of these columns would have to repeat a join.
    group = select(column).where(col(CustomerGroup.id) == col(Customer.group_id))
    return group.correlate(Customer).scalar_subquery()


COLUMNS: Sequence[Any] = (
    Customer.id,
    Customer.organization_id,
    Customer.sealed,
    Customer.sealed_password.is_not(None).label("has_password"),  # type: ignore[union-attr]
    Customer.shopper_reference,
    Customer.placed_orders,
    Customer.group_id,
    _group_column(CustomerGroup.code),
    _group_column(CustomerGroup.name),
    _group_column(CustomerGroup.tax_exempt),
    Customer.newsletter,
    Customer.approval,
    Customer.email_verified_at,
    Customer.version,
    Customer.created_at,
    Customer.updated_at,
    Customer.erased_at,
)


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """A customer with its personal fields decrypted."""

    row: CustomerRow
    personal: CustomerDetails

    @property
    def status(self) -> CustomerStatus:
        """Derived from the number of placed orders."""
        return status_of(self.row.placed_orders)

    def exported(self) -> dict[str, object]:
        """All that the customer may know of its record, as JSON values."""
        row, personal = self.row, asdict(self.personal)
        # A mark of the browser that registered, of no use to anybody.
        del personal["registration"]
        return {
            "id": str(row.id),
            **{camel_case(name): value for name, value in personal.items()},
            "shopperReference": row.shopper_reference,
            "status": self.status.value,
            "placedOrders": row.placed_orders,
            "group": {"code": row.group_code, "name": row.group_name} if row.group_code else None,
            "newsletter": row.newsletter,
            "approval": row.approval,
            "hasPassword": row.has_password,
            "emailVerifiedAt": row.email_verified_at.isoformat() if row.email_verified_at else None,
            "createdAt": row.created_at.isoformat(),
            "updatedAt": row.updated_at.isoformat(),
        }


def open_row(row: CustomerRow, cipher: DataKeyCipher | None) -> CustomerRecord:
    """The record of a row; without a key, or after an erasure, its personal fields are empty."""
    if cipher is None or row.erased_at is not None:
        return CustomerRecord(row, CustomerDetails())
    return CustomerRecord(row, cipher.open_as(CustomerDetails, TABLE, row.id, row.sealed))


def row_of(customer: Customer) -> CustomerRow:
    """The columns of a row that was just written."""
    return CustomerRow(
        customer.id,
        customer.organization_id,
        customer.sealed,
        customer.sealed_password is not None,
        customer.shopper_reference,
        customer.placed_orders,
        customer.group_id,
        None,
        None,
        None,
        customer.newsletter,
        customer.approval,
        customer.email_verified_at,
        customer.version,
        customer.created_at,
        customer.updated_at,
        customer.erased_at,
    )
