"""The GraphQL schema, composed of the queries and mutations of all packages."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from app.accounts.api import AccountMutations
from app.accounts.approvals.api import ApprovalMutations
from app.accounts.confirmations.api import ConfirmationMutations
from app.accounts.forms.api import FormQueries
from app.accounts.newsletters.api import NewsletterMutations
from app.accounts.organizations.administration.api import OwnOrganizationMutations, OwnOrganizationQueries
from app.accounts.organizations.api import OrganizationQueries
from app.accounts.organizations.clients.api import ApiClientMutations, ApiClientQueries
from app.accounts.organizations.members.api import MemberMutations, MemberQueries
from app.accounts.sessions_api import SessionMutations
from app.accounts.terms.api import TermsMutations
from app.accounts.webhooks.api import WebhookMutations, WebhookQueries
from app.customers.addresses_api import AddressMutations
from app.customers.api import CustomerMutations, CustomerQueries
from app.customers.back_office.api import BackOfficeMutations, BackOfficeQueries
from app.customers.fields.api import ExtraFieldMutations, ExtraFieldQueries
from app.customers.groups.api import GroupMutations, GroupQueries
from app.customers.groups_api import CustomerGroupMutations
from app.customers.markets.api import MarketMutations, MarketQueries
from app.customers.orders.api import OrderQueries
from app.customers.orders_api import CustomerOrderMutations
from app.customers.payment_methods_api import PaymentMethodMutations
from app.platform.geography.api import GeographyQueries
from app.platform.graphql.scalars import SCALARS
from app.platform.graphql.user_errors import USER_ERROR_TYPES
from app.privacy.api import PrivacyMutations, PrivacyQueries
from app.privacy.audit_events_api import AuditQueries
from app.privacy.erasure_requests.api import ErasureRequestMutations, ErasureRequestQueries
from app.privacy.exports.api import DataExportMutations, DataExportQueries
from app.privacy.legal_holds.api import LegalHoldMutations, LegalHoldQueries
from app.privacy.receipts.api import ReceiptQueries
from app.privacy.retention.api import RetentionQueries
from app.server.nodes.api import NodeQueries


@strawberry.type(description="Everything that can be read.")
class Query(
    NodeQueries,
    OrganizationQueries,
    OwnOrganizationQueries,
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
    AuditQueries,
    PrivacyQueries,
    ReceiptQueries,
    LegalHoldQueries,
    ErasureRequestQueries,
    DataExportQueries,
    RetentionQueries,
    WebhookQueries,
):
    """The queries of all packages."""


@strawberry.type(description="Everything that can be changed; each mutation is one transaction.")
class Mutation(
    AccountMutations,
    SessionMutations,
    ConfirmationMutations,
    TermsMutations,
    CustomerMutations,
    BackOfficeMutations,
    OwnOrganizationMutations,
    ApiClientMutations,
    MemberMutations,
    AddressMutations,
    PaymentMethodMutations,
    PrivacyMutations,
    LegalHoldMutations,
    ErasureRequestMutations,
    DataExportMutations,
    ExtraFieldMutations,
    ApprovalMutations,
    NewsletterMutations,
    CustomerOrderMutations,
    CustomerGroupMutations,
    GroupMutations,
    MarketMutations,
    WebhookMutations,
):
    """The mutations of all packages."""


SCHEMA = strawberry.Schema(
    query=Query, mutation=Mutation, types=USER_ERROR_TYPES, config=StrawberryConfig(scalar_map=SCALARS)
)


def sdl() -> str:
    """The schema in GraphQL's schema definition language, the content of `schema.graphql`."""
    return SCHEMA.as_str() + "\n"
