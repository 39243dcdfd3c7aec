"""GraphQL types of organizations, and the query of the caller (`viewer`)."""

from datetime import datetime

import strawberry

from app.accounts.organizations.clients.api import ApiClient, load_api_client
from app.customers import repository as customers
from app.customers.api import Customer, to_customer
from app.identity.staff.api import StaffMember, load_staff_member
from app.platform.graphql import ids
from app.platform.graphql.access import ANYBODY
from app.platform.graphql.context import Context
from app.platform.graphql.enums import describe
from app.platform.graphql.fields import query
from app.platform.graphql.ids import Node
from app.platform.principal import CallerKind, Scope
from app.platform.principal import Organization as PrincipalOrganization

INTEGRATIONS = (CallerKind.INTEGRATION, CallerKind.STAFF)

describe(
    CallerKind,
    "Who sends a request.",
    GUEST="Nobody who is logged in: a storefront with its publishable key.",
    CUSTOMER="A customer who is logged in.",
    INTEGRATION="A system of the shop, for itself.",
    STAFF="A system of the shop, on behalf of a staff member.",
)


@strawberry.type(description="A shop whose customers these are; organizations know nothing of each other.")
class Organization(Node):
    """GraphQL type with the public data of an organization."""

    slug: str = strawberry.field(description="Short name, unique in the service.")
    name: str = strawberry.field(description="Name of the shop.")


def graphql_organization(organization: PrincipalOrganization) -> Organization:
    """The GraphQL object of an organization."""
    return Organization(id=ids.encode("Organization", organization.id), slug=organization.slug, name=organization.name)


@strawberry.type(description="Who sends this request, and what that allows.")
class Viewer:
    """GraphQL type of the caller; also lets a client check whether its token is still valid."""

    kind: CallerKind = strawberry.field(description="What kind of caller.")
    scopes: list[Scope] = strawberry.field(description="What an integration may do; empty for anybody else.")
    expires_at: datetime | None = strawberry.field(description="When the access token expires; null for a guest.")
    organization: Organization = strawberry.field(description="The shop the request belongs to.")
    customer: Customer | None = strawberry.field(description="The customer who is logged in.")
    api_client: ApiClient | None = strawberry.field(description="The client of an integration; null for anybody else.")
    staff_member: StaffMember | None = strawberry.field(description="On whose behalf an integration acts.")


@strawberry.type
class OrganizationQueries:
    """Queries about the caller."""

    @query(
        allow=ANYBODY, description="Who sends this request; a token that is dead is refused before.", about_caller=True
    )
    async def viewer(self, context: Context) -> Viewer:
        """Of a customer everything was read when the caller was resolved."""
        principal = context.principal
        found = await context.load(customers.by_ids, principal.customer_id) if principal.customer_id else None
        client_id = principal.client_id if principal.kind in INTEGRATIONS else None
        return Viewer(
            kind=principal.kind,
            scopes=sorted(principal.scopes, key=lambda scope: scope.value),
            expires_at=principal.expires_at,
            organization=graphql_organization(principal.organization),
            customer=to_customer(found) if found else None,
            api_client=await load_api_client(context, client_id) if client_id else None,
            staff_member=await load_staff_member(context, principal.staff_id) if principal.staff_id else None,
        )
