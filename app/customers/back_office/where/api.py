"""GraphQL inputs of filters and sort orders, and their conversion to SQL conditions."""

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry
from sqlalchemy import and_, false, not_, or_, true

from app.customers.anonymizations.repository import AnonymizationStatus
from app.customers.back_office.conditions import (
    Condition,
    CustomerConditions,
    has_approval,
    has_password,
    has_status,
    has_terms_version,
    one_of,
    within,
)
from app.customers.back_office.listing import CustomerSortField, Sort, SortDirection
from app.customers.identifiers import IdentifierKind
from app.customers.records import Approval, CustomerStatus
from app.customers.tables import Customer
from app.platform.blanks import is_storable
from app.platform.errors import AppError
from app.platform.graphql import ids
from app.platform.graphql.access import top_level_error
from app.platform.graphql.enums import describe
from app.platform.graphql.moments import moment_argument
from app.platform.graphql.scalars import DateTime
from app.platform.values import EmailAddress, LoginName

Raw = TypeVar("Raw")
Parsed = TypeVar("Parsed")

MAX_VALUES = 100
LEVELS_MAX = 5
CONDITIONS_MAX = 50

describe(
    CustomerSortField,
    "What a list of customers is sorted by.",
    CREATED_AT="By the time of creation.",
    UPDATED_AT="By the time of the last change.",
    ORDERS="By the number of placed orders.",
)
describe(
    SortDirection,
    "Which end of a list comes first.",
    ASC="The oldest or smallest.",
    DESC="The newest or largest.",
)


@strawberry.input(description="One text, or one of several.")
class TextFilter:
    """Equality only: the values are sealed, and found by a keyed hash."""

    eq: str | None = strawberry.field(description="This one.", default=None)
    one_of: list[str] | None = strawberry.field(description="Any of these, at most 100.", default=None)


@strawberry.input(description="One id, or one of several.")
class IdFilter:
    """The ids are global ids."""

    eq: strawberry.ID | None = strawberry.field(description="This one.", default=None)
    one_of: list[strawberry.ID] | None = strawberry.field(description="Any of these, at most 100.", default=None)


@strawberry.input(description="One status, or one of several.")
class CustomerStatusFilter:
    """The status is derived from the number of placed orders."""

    eq: CustomerStatus | None = strawberry.field(description="This one.", default=None)
    one_of: list[CustomerStatus] | None = strawberry.field(description="Any of these.", default=None)


@strawberry.input(description="One decision about an approval, or one of several.")
class ApprovalFilter:
    """Customers who needed no approval do not match."""

    eq: Approval | None = strawberry.field(description="This one.", default=None)
    one_of: list[Approval] | None = strawberry.field(description="Any of these.", default=None)


@strawberry.input(description="Where the last request to anonymize the customer stands.")
class AnonymizationStatusFilter:
    """Customers without a request do not match."""

    eq: AnonymizationStatus | None = strawberry.field(description="This one.", default=None)
    one_of: list[AnonymizationStatus] | None = strawberry.field(description="Any of these.", default=None)


@strawberry.input(description="A range of moments; a bound left away is open.")
class DateTimeFilter:
    """A range with inclusive (`gte`, `lte`) or exclusive (`gt`, `lt`) bounds."""

    gte: DateTime | None = strawberry.field(description="Not before this.", default=None)
    gt: DateTime | None = strawberry.field(description="After this.", default=None)
    lte: DateTime | None = strawberry.field(description="Not after this.", default=None)
    lt: DateTime | None = strawberry.field(description="Before this.", default=None)


@strawberry.input(description="A number, or a range of numbers; a bound left away is open.")
class IntFilter:
    """A range with inclusive (`gte`, `lte`) or exclusive (`gt`, `lt`) bounds."""

    eq: int | None = strawberry.field(description="Exactly this.", default=None)
    gte: int | None = strawberry.field(description="Not below this.", default=None)
    gt: int | None = strawberry.field(description="Above this.", default=None)
    lte: int | None = strawberry.field(description="Not above this.", default=None)
    lt: int | None = strawberry.field(description="Below this.", default=None)


@strawberry.input(
    description="Which customers: all given conditions must hold. At most 5 levels deep, and 50 conditions together."
)
class CustomerWhere:
    """A tree of conditions."""

    and_: list["CustomerWhere"] | None = strawberry.field(name="and", description="All of these hold.", default=None)
    or_: list["CustomerWhere"] | None = strawberry.field(name="or", description="One of these holds.", default=None)
    not_: "CustomerWhere | None" = strawberry.field(name="not", description="This does not hold.", default=None)
    id: IdFilter | None = strawberry.field(description="By id.", default=None)
    email: TextFilter | None = strawberry.field(description="By email address, whole and in any case.", default=None)
    login_name: TextFilter | None = strawberry.field(description="By login name, in any case.", default=None)
    reference: TextFilter | None = strawberry.field(
        description="By the id in another system, exactly as it was written.", default=None
    )
    shopper_reference: TextFilter | None = strawberry.field(description="By shopper reference.", default=None)
    group: TextFilter | None = strawberry.field(description="By group: its id or its code.", default=None)
    status: CustomerStatusFilter | None = strawberry.field(description="By how often it has ordered.", default=None)
    placed_orders: IntFilter | None = strawberry.field(description="By the number of placed orders.", default=None)
    registered: bool | None = strawberry.field(
        description="True for customers with a password, false for guests.", default=None
    )
    terms_version: TextFilter | None = strawberry.field(
        description="By the version of the terms it accepted last; who accepted none has none.", default=None
    )
    approval: ApprovalFilter | None = strawberry.field(
        description="By the decision about its approval, `PENDING` for who waits; who needed none has none.",
        default=None,
    )
    anonymization: AnonymizationStatusFilter | None = strawberry.field(
        description="By the state of the last request to anonymize it.", default=None
    )
    created_at: DateTimeFilter | None = strawberry.field(description="By the time of creation.", default=None)
    updated_at: DateTimeFilter | None = strawberry.field(description="By the time of the last change.", default=None)


@strawberry.input(description="How to sort; equals are sorted by id.")
class CustomerSort:
    """A column and a direction."""

    field: CustomerSortField = strawberry.field(description="By what.", default=CustomerSortField.CREATED_AT)
    direction: SortDirection = strawberry.field(description="Which end comes first.", default=SortDirection.DESC)


def parse_sort(sort: CustomerSort | None) -> Sort:
    """The requested order; by default the newest first."""
    return Sort(sort.field, sort.direction) if sort else Sort()


class ConditionBuilder:
    """Converts a tree of filters to one condition; top-level `BAD_USER_INPUT` when it is too large."""

    def __init__(self, conditions: CustomerConditions) -> None:
        """Start with no conditions counted."""
        self._conditions = conditions
        self._count = 0
        self.names: set[str] = set()

    def build(self, where: CustomerWhere | None, level: int = 1) -> Condition:
        """The condition of a node and everything below it."""
        if where is None:
            return true()
        if level > LEVELS_MAX:
            raise top_level_error("BAD_USER_INPUT", f"At most {LEVELS_MAX} levels of conditions.")
        found = [*self._field_conditions(where), *self._nested_conditions(where, level)]
        self._count += len(found)
        if self._count > CONDITIONS_MAX:
            raise top_level_error("BAD_USER_INPUT", f"At most {CONDITIONS_MAX} conditions.")
        return and_(true(), *found)

    def _nested_conditions(self, where: CustomerWhere, level: int) -> list[Condition]:
        found = []
        if where.and_ is not None:
            found.append(and_(true(), *(self.build(one, level + 1) for one in where.and_)))
        if where.or_ is not None:
            # None of nothing holds, as in `oneOf: []`.
            found.append(or_(false(), *(self.build(one, level + 1) for one in where.or_)))
        if where.not_ is not None:
            found.append(not_(self.build(where.not_, level + 1)))
        return found

    def _field_conditions(self, where: CustomerWhere) -> list[Condition]:
        builders: dict[str, Callable[[Any], Condition]] = {
            "id": lambda one: one_of(Customer.id, _parse_valid(_values(one), lambda raw: ids.decode("Customer", raw))),
            "email": lambda one: self._conditions.has_identifier(
                IdentifierKind.EMAIL, _parse_valid(_values(one), lambda raw: EmailAddress.parse(raw).canonical)
            ),
            "login_name": lambda one: self._conditions.has_identifier(
                IdentifierKind.LOGIN_NAME, _parse_valid(_values(one), lambda raw: LoginName.parse(raw).canonical)
            ),
            "reference": lambda one: self._conditions.has_reference(_values(one)),
            "shopper_reference": lambda one: one_of(
                Customer.shopper_reference, _parse_valid(_values(one), _storable_text)
            ),
            "group": lambda one: self._conditions.in_group(
                _parse_valid(_values(one), lambda raw: ids.decode("CustomerGroup", raw)),
                _parse_valid(_values(one), _storable_text),
            ),
            "status": lambda one: has_status(_values(one)),
            "placed_orders": lambda one: _int_range(Customer.placed_orders, one),
            "registered": has_password,
            "terms_version": lambda one: has_terms_version(_parse_valid(_values(one), _storable_text)),
            "approval": lambda one: has_approval(_values(one)),
            "anonymization": lambda one: self._conditions.has_anonymization_status(_values(one)),
            "created_at": lambda one: _range(Customer.created_at, "createdAt", one),
            "updated_at": lambda one: _range(Customer.updated_at, "updatedAt", one),
        }
        used = {name: getattr(where, name) for name in builders if not _is_empty(getattr(where, name))}
        self.names |= set(used)
        return [builders[name](value) for name, value in used.items()]


def _is_empty(one: Any) -> bool:
    """Whether a filter is absent, or given without a value."""
    return one is None or (hasattr(one, "one_of") and one.eq is None and one.one_of is None)


def _values(one: Any) -> list[Any]:
    """The values of a filter with `eq` and `oneOf`; where both are given, both must hold."""
    if one.one_of is None:
        return [] if one.eq is None else [one.eq]
    if len(one.one_of) > MAX_VALUES:
        raise top_level_error("BAD_USER_INPUT", f"At most {MAX_VALUES} values in one list.")
    return [value for value in one.one_of if one.eq is None or value == one.eq]


def _parse_valid(raws: list[Raw], parse: Callable[[Raw], Parsed]) -> list[Parsed]:
    """The parsed values without the malformed ones, which no customer can have."""
    found = []
    for raw in raws:
        try:
            found.append(parse(raw))
        except AppError:
            continue
    return found


def _storable_text(raw: str) -> str:
    # What cannot be stored matches nothing.
    return raw if is_storable(raw) else ""


def _range(column: Any, field: str, one: DateTimeFilter) -> Condition:
    bounds = {name: moment_argument(f"where.{field}.{name}", getattr(one, name)) for name in ("gte", "gt", "lte", "lt")}
    return within(column, **bounds)


def _int_range(column: Any, one: IntFilter) -> Condition:
    bounds = within(column, gte=one.gte, gt=one.gt, lte=one.lte, lt=one.lt)
    return bounds if one.eq is None else and_(bounds, one_of(column, [one.eq]))
