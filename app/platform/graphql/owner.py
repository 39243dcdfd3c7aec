"""Resolves the customer that a mutation is about: the caller, or the customer that an integration names."""

from uuid import UUID

from app.platform.errors import NotAllowed, NotFound, Required
from app.platform.graphql import ids
from app.platform.principal import Principal

CUSTOMER = "Customer"


def owner_id(principal: Principal, customer_id: str | None) -> UUID:
    """The customer that a mutation is about; `customer_id` is the global id in the input.

        caller         customerId absent   customerId present
        a customer     the caller          the caller if it is its own id, else `NotAllowed`
        anybody else   `Required`          that customer; `NotFound` for a malformed id or another kind

    All errors are of the field `customerId`.
    """
    if principal.customer_id is None:
        if not customer_id:
            raise Required("Name the customer.", field=("customerId",))
        return ids.decode(CUSTOMER, customer_id, "customerId")
    if customer_id and not is_customer_id(principal.customer_id, customer_id):
        raise NotAllowed("You may change your own things only; leave customerId away.", field=("customerId",))
    return principal.customer_id


def is_customer_id(row_id: UUID, customer_id: str) -> bool:
    """Whether the global id is that of this customer."""
    try:
        return ids.decode(CUSTOMER, customer_id) == row_id
    except NotFound:
        return False
