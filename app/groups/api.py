"""Groups as GraphQL shows them."""

import strawberry

from app.graphql.ids import Node


@strawberry.type(description="A group of customers, such as wholesale; a customer is in one group at most.")
class CustomerGroup(Node):
    """What a customer's `group` is."""

    code: str = strawberry.field(description="Unique in the organization: letters, digits, `_` and `-`.")
    name: str = strawberry.field(description="What the group is called in the back office.")
