"""SQL conditions on customers. No condition evaluates to NULL, so that NOT negates each of them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, or_, select, true
from sqlmodel import col

from app.customers import identifiers, repository
from app.customers.anonymizations.repository import AnonymizationStatus, customers_whose_latest_is
from app.customers.groups.tables import CustomerGroup
from app.customers.identifiers import IdentifierKind
from app.customers.records import REPEAT_MIN_ORDERS, Approval, CustomerStatus
from app.customers.tables import Customer, LoginIdentifier
from app.platform.vault.vault import Vault

Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class CustomerConditions:
    """Makes conditions on the customers of one organization."""

    vault: Vault
    organization_id: UUID

    def has_identifier(self, kind: IdentifierKind, canonicals: Iterable[str]) -> Condition:
        """Has one of these email addresses or login names."""
        hashes = [
            identifiers.keyed_hash(self.vault, organization_id=self.organization_id, kind=kind, canonical=one)
            for one in canonicals
        ]
        if not hashes:
            return false()
        owners = select(col(LoginIdentifier.customer_id)).where(
            col(LoginIdentifier.organization_id) == self.organization_id,
            col(LoginIdentifier.kind) == kind.value,
            one_of(LoginIdentifier.keyed_hash, hashes),
        )
        return col(Customer.id).in_(owners)

    def has_reference(self, references: Iterable[str]) -> Condition:
        """Has one of these references of another system."""
        hashes = [
            repository.reference_hash(self.vault, organization_id=self.organization_id, reference=one)
            for one in references
        ]
        return and_(col(Customer.reference_hash).is_not(None), one_of(Customer.reference_hash, hashes))

    def in_group(self, group_ids: Sequence[UUID], codes: Sequence[str]) -> Condition:
        """Is in a group with one of these ids or codes."""
        groups = select(col(CustomerGroup.id)).where(
            col(CustomerGroup.organization_id) == self.organization_id,
            or_(one_of(CustomerGroup.id, group_ids), one_of(CustomerGroup.code, codes)),
        )
        return and_(col(Customer.group_id).is_not(None), col(Customer.group_id).in_(groups))

    def has_anonymization_status(self, statuses: Collection[AnonymizationStatus]) -> Condition:
        """The latest request to anonymize it has one of these statuses."""
        return col(Customer.id).in_(customers_whose_latest_is(self.organization_id, statuses))


def one_of(column: Any, values: Sequence[object]) -> Condition:
    """The column has one of the values; false without any."""
    return or_(*(col(column) == value for value in values)) if values else false()


def has_status(statuses: Collection[CustomerStatus]) -> Condition:
    """Has one of these statuses (`records.status_of`)."""
    ranges = {
        CustomerStatus.PROSPECT: col(Customer.placed_orders) <= 0,
        CustomerStatus.ACQUIRED: and_(col(Customer.placed_orders) > 0, col(Customer.placed_orders) < REPEAT_MIN_ORDERS),
        CustomerStatus.REPEAT: col(Customer.placed_orders) >= REPEAT_MIN_ORDERS,
    }
    return or_(*(ranges[one] for one in statuses)) if statuses else false()


def within(column: Any, *, gte: object = None, gt: object = None, lte: object = None, lt: object = None) -> Condition:
    """The column lies within the given bounds."""
    bounds: list[Condition] = []
    if gte is not None:
        bounds.append(col(column) >= gte)
    if gt is not None:
        bounds.append(col(column) > gt)
    if lte is not None:
        bounds.append(col(column) <= lte)
    if lt is not None:
        bounds.append(col(column) < lt)
    return and_(true(), *bounds)


def has_terms_version(versions: Sequence[str]) -> Condition:
    """Who accepted one of these versions of the terms last."""
    return and_(col(Customer.terms_version).is_not(None), one_of(Customer.terms_version, versions))


def has_approval(approvals: Sequence[Approval]) -> Condition:
    """Has one of these decisions about its approval."""
    values = [one.value for one in approvals]
    return and_(col(Customer.approval).is_not(None), one_of(Customer.approval, values))


def has_password(expected: bool) -> Condition:  # noqa: FBT001 - the value of a filter
    """Has a password, or has none."""
    column = col(Customer.sealed_password)
    return column.is_not(None) if expected else column.is_(None)
