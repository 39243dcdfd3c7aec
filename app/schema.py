"""The schema: all rooms together."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from app.accounts.api import AccountMutations
from app.addresses.api import AddressMutations
from app.approvals.api import ApprovalMutations
from app.confirmations.api import ConfirmationMutations
from app.customers.api import CustomerMutations, CustomerQueries
from app.customers.back_office.api import BackOfficeMutations, BackOfficeQueries
from app.customers.groups_api import CustomerGroupMutations
from app.customers.orders_api import CustomerOrderMutations
from app.fields.api import ExtraFieldMutations, ExtraFieldQueries
from app.forms.api import FormQueries
from app.geography.api import GeographyQueries
from app.graphql.scalars import SCALARS
from app.graphql.user_errors import CONCRETE
from app.groups.api import GroupMutations, GroupQueries
from app.markets.api import MarketMutations, MarketQueries
from app.newsletters.api import NewsletterMutations
from app.nodes.api import NodeQueries
from app.orders.api import OrderQueries
from app.organizations.api import OrganizationQueries
from app.organizations.clients.api import ApiClientMutations, ApiClientQueries
from app.organizations.members.api import MemberMutations, MemberQueries
from app.organizations.shops.api import ShopMutations, ShopQueries
from app.payment_methods.api import PaymentMethodMutations
from app.privacy.api import PrivacyMutations
from app.sessions.api import SessionMutations


@strawberry.type(description="Everything that can be read.")
class Query(
    NodeQueries,
    OrganizationQueries,
    ShopQueries,
    ApiClientQueries,
    MemberQueries,
    CustomerQueries,
    BackOfficeQueries,
    OrderQueries,
    GroupQueries,
    MarketQueries,
    GeographyQueries,
    ExtraFieldQueries,
    FormQueries,
):
    """The rooms' queries."""


@strawberry.type(description="Everything that can be changed; each mutation is one transaction.")
class Mutation(
    AccountMutations,
    SessionMutations,
    ConfirmationMutations,
    CustomerMutations,
    BackOfficeMutations,
    ShopMutations,
    ApiClientMutations,
    MemberMutations,
    AddressMutations,
    PaymentMethodMutations,
    PrivacyMutations,
    ExtraFieldMutations,
    ApprovalMutations,
    NewsletterMutations,
    CustomerOrderMutations,
    CustomerGroupMutations,
    GroupMutations,
    MarketMutations,
):
    """The rooms' mutations."""


SCHEMA = strawberry.Schema(query=Query, mutation=Mutation, types=CONCRETE, config=StrawberryConfig(scalar_map=SCALARS))


def sdl() -> str:
    """The schema in GraphQL's schema definition language, as it stands in `schema.graphql`."""
    return SCHEMA.as_str() + "\n"
