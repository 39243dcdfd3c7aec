"""GraphQL type of a customer, the query `me` and the mutation `updateCustomer`."""

from datetime import datetime
from typing import Annotated

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession
from strawberry import Info
from strawberry.scalars import JSON

from app.customers import email_replacement, repository, service
from app.customers.access_log.api import AccessLogEntry, access_log_connection
from app.customers.addresses.api import Address, addresses_of
from app.customers.anonymizations.api import Anonymization, load_latest_anonymization
from app.customers.fields import repository as extra_fields
from app.customers.groups.api import CustomerGroup, build_group, load_group
from app.customers.inputs import UPDATABLE_FIELDS, UpdateCustomerInput, attribute_pairs, provided_fields
from app.customers.newsletter import UnsubscribeLinks, send_newsletter_welcome
from app.customers.orders.api import Order, orders_of
from app.customers.orders.records import OrderStatus
from app.customers.orders.repository import OrderFilter
from app.customers.payment_methods.api import PaymentMethod, payment_methods_of
from app.customers.records import Approval, CustomerDetails, CustomerRecord, CustomerStatus
from app.identity.proofs import repository as proofs
from app.identity.sessions import repository as sessions
from app.identity.sessions.api import Session, login_session_connection
from app.platform.audit.log import Action, record
from app.platform.errors import NotAllowed
from app.platform.graphql import ids
from app.platform.graphql.access import CUSTOMER, back_office
from app.platform.graphql.context import Context
from app.platform.graphql.enums import describe
from app.platform.graphql.fields import Payload, mutation, query, restricted
from app.platform.graphql.ids import Node
from app.platform.graphql.moments import moment_argument
from app.platform.graphql.owner import owner_id
from app.platform.graphql.pagination import Connection
from app.platform.graphql.scalars import Date, DateTime
from app.platform.principal import Scope
from app.platform.values import PhoneNumber

describe(
    CustomerStatus,
    "How often a customer has ordered; derived from its orders.",
    PROSPECT="No order yet.",
    ACQUIRED="One order.",
    REPEAT="Two or more orders.",
)


describe(
    Approval,
    "Whether a customer was let in, in an organization that asks for it.",
    PENDING="Nobody decided yet: the customer cannot log in.",
    APPROVED="The customer may log in.",
    REJECTED="The customer may not log in.",
)


@strawberry.type(description="A change of the email address that was requested and not confirmed yet.")
class PendingEmailChange:
    """What waits for the mail to be opened."""

    new_email: str = strawberry.field(description="The address that the link and the code were sent to.")
    expires_at: datetime = strawberry.field(description="When they stop working.")


@strawberry.type(description="The answer to an extra field.")
class Attribute:
    """The answer is text, whatever the type of the field."""

    name: str = strawberry.field(description="The name of the extra field.")
    value: str = strawberry.field(description="A text; `12.5`, `2026-01-31`, `true`, or the value of an option.")


@strawberry.type(description="An agreement to the terms of the organization.")
class TermsAcceptance:
    """The accepted version, and when it was accepted."""

    version: str | None = strawberry.field(description="The version of the terms, as the organization named it then.")
    accepted_at: datetime = strawberry.field(description="When the customer agreed.")


@strawberry.type(description="A person who has an account, or ordered as a guest, with all that it owns.")
class Customer(Node):
    """Plain values of the row; what the customer owns is loaded on request."""

    email: str | None = strawberry.field(description="Null after the customer was anonymized.")
    login_name: str | None = strawberry.field(description="The name to log in with, when the organization uses them.")
    first_name: str | None = strawberry.field(description="Given name, 1 to 32 characters.")
    last_name: str | None = strawberry.field(description="Family name, 1 to 32 characters.")
    phone: str | None = strawberry.field(description="Telephone number in E.164 form, such as +41446681800.")
    fax: str | None = strawberry.field(description="Fax number as typed.")
    company: str | None = strawberry.field(description="Company the customer buys for.")
    image_url: str | None = strawberry.field(description="Web address of a profile image.")
    birth_date: Date | None = strawberry.field(description="Day of birth, `YYYY-MM-DD`.")
    locale: str | None = strawberry.field(description="Preferred language as a BCP 47 tag, such as `de-CH`.")
    newsletter: bool = strawberry.field(description="Whether the customer wants the newsletter.")
    newsletter_consented_at: datetime | None = strawberry.field(
        description="When the customer last asked for the newsletter."
    )
    attributes: list[Attribute] = strawberry.field(description="Answers to the extra fields of the organization.")
    terms_acceptance: TermsAcceptance | None = strawberry.field(description="The terms the customer agreed to.")
    approval: Approval | None = strawberry.field(
        description="Whether the customer was let in; null where the organization did not ask for an approval."
    )
    reference: str | None = strawberry.field(description="The customer's id in another system.")
    reference_origin: str | None = strawberry.field(description="The system the reference belongs to.")
    tax_exemption_code: str | None = strawberry.field(description="Why no tax is charged, as the shop records it.")
    metadata: JSON | None = strawberry.field(description="A JSON object the shop's systems keep with the customer.")
    status: CustomerStatus = strawberry.field(description="Derived from the number of placed orders.")
    has_password: bool = strawberry.field(description="False for a guest, who has no password and cannot log in.")
    email_verified: bool = strawberry.field(description="Whether the customer has proven the email address.")
    shopper_reference: str = strawberry.field(description="The id that payment gateways know this shopper by.")
    version: int = strawberry.field(description="Grows with every change; send it back as `expectedVersion`.")
    created_at: datetime = strawberry.field(description="When the customer was created.")
    updated_at: datetime = strawberry.field(description="When the customer was changed last.")
    record: strawberry.Private[CustomerRecord]

    @strawberry.field(description="The telephone number as it is written inside its own country.")
    def phone_national(self) -> str | None:
        """National form of the number."""
        return PhoneNumber(self.phone).national if self.phone else None

    @restricted(
        allow=back_office(Scope.CUSTOMERS_READ),
        description="The page to unsubscribe, for the shop's own newsletters; the link never expires. As the header "
        "`List-Unsubscribe` it takes one click (RFC 8058). Null after the customer was anonymized.",
    )
    def newsletter_unsubscribe_url(self, info: Info[Context, None]) -> str | None:
        """Signed, not stored: the same at every read."""
        links = info.context.services.get(UnsubscribeLinks)
        return links.url(self.record.row.id) if self.email is not None else None

    @strawberry.field(description="The group the customer is in, if any.")
    async def group(self, info: Info[Context, None]) -> CustomerGroup | None:
        """Read together with the customer, except after a write."""
        row = self.record.row
        if row.group_id is None:
            return None
        if row.group_code is None:
            return await load_group(info.context, row.group_id)
        return build_group(
            row.group_id, code=row.group_code, name=row.group_name or "", tax_exempt=bool(row.group_tax_exempt)
        )

    @strawberry.field(description="All addresses, oldest first, at most 100.")
    async def addresses(self, info: Info[Context, None]) -> list[Address]:
        """Loaded with a data loader."""
        return await addresses_of(info.context, self.record.row.id)

    @strawberry.field(description="All saved payment methods, oldest first.")
    async def payment_methods(self, info: Info[Context, None]) -> list[PaymentMethod]:
        """Loaded with a data loader."""
        return await payment_methods_of(info.context, self.record.row.id)

    @restricted(
        allow=[CUSTOMER],
        description="The customer's logins, newest first; those that ended too, unless `active` says otherwise.",
    )
    async def sessions(
        self,
        info: Info[Context, None],
        first: Annotated[int, strawberry.argument(description="How many, 1 to 100.")] = 20,
        after: Annotated[str | None, strawberry.argument(description="The `endCursor` of the page before.")] = None,
        active: Annotated[
            bool | None, strawberry.argument(description="True: only those that live; false: only those that ended.")
        ] = None,
    ) -> Connection[Session]:
        """The customer's own: the back office does not see where somebody logs in from."""
        return await login_session_connection(info.context, self.record.row.id, first, after, active=active)

    @restricted(
        allow=[CUSTOMER, *back_office(Scope.CUSTOMERS_READ)],
        description="The change of the email address that waits to be confirmed; null when there is none.",
    )
    async def pending_email_change(self, info: Info[Context, None]) -> PendingEmailChange | None:
        """Also one that will come to nothing, as the address is somebody else's: nobody must learn that here."""
        found = await info.context.load(proofs.pending_email_changes, self.record.row.id)
        return PendingEmailChange(new_email=found.new_email, expires_at=found.expires_at) if found else None

    @restricted(
        allow=[CUSTOMER],
        description="Who read or changed the customer's record, newest first, the customer too. A list that the shop's "
        "staff read is not in it.",
    )
    async def access_log(
        self,
        info: Info[Context, None],
        first: Annotated[int, strawberry.argument(description="How many, 1 to 100.")] = 20,
        after: Annotated[str | None, strawberry.argument(description="The `endCursor` of the page before.")] = None,
    ) -> Connection[AccessLogEntry]:
        """The customer's own; staff read `auditEvents`."""
        return await access_log_connection(info.context, self.record.row.id, first, after)

    @strawberry.field(description="What the customer has ordered, newest first.")
    async def orders(
        self,
        info: Info[Context, None],
        first: Annotated[int, strawberry.argument(description="How many, 1 to 100.")] = 20,
        after: Annotated[
            str | None, strawberry.argument(description="The `endCursor` of the page before this one.")
        ] = None,
        placed_from: Annotated[
            DateTime | None, strawberry.argument(description="Only orders placed at this time or later.")
        ] = None,
        placed_to: Annotated[
            DateTime | None, strawberry.argument(description="Only orders placed before this time.")
        ] = None,
        status: Annotated[OrderStatus | None, strawberry.argument(description="Only orders in this status.")] = None,
    ) -> Connection[Order]:
        """Any page is one range of an index."""
        order_filter = OrderFilter(
            moment_argument("placedFrom", placed_from), moment_argument("placedTo", placed_to), status
        )
        return await orders_of(info.context, self.record.row.id, order_filter, first=first, after=after)

    @strawberry.field(description="The last request to anonymize this customer, if there was one.")
    async def anonymization(self, info: Info[Context, None]) -> Anonymization | None:
        """The latest request, with its status and times."""
        return await load_latest_anonymization(info.context, self.record.row.id)


async def _require_young_login(context: Context) -> None:
    """A name that is chosen once, and without which nobody logs in, is nothing for a stolen session."""
    principal = context.principal
    assert principal.session_id is not None  # noqa: S101 - a customer has one
    if not await sessions.is_young(
        context.store,
        organization_id=context.organization.id,
        customer_id=principal.own_customer_id,
        session_id=principal.session_id,
    ):
        raise NotAllowed(
            "Log in again first: a login name is chosen within 5 minutes after a login.", field=("loginName",)
        )


def _parse_datetime(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _terms_acceptance(personal: CustomerDetails) -> TermsAcceptance | None:
    accepted_at = _parse_datetime(personal.terms_accepted_at)
    return TermsAcceptance(version=personal.terms_version, accepted_at=accepted_at) if accepted_at else None


def to_customer(customer: CustomerRecord) -> Customer:
    """The GraphQL object of a record."""
    row, personal = customer.row, customer.personal
    return Customer(
        id=ids.encode("Customer", row.id),
        email=personal.email,
        login_name=personal.login_name,
        first_name=personal.first_name,
        last_name=personal.last_name,
        phone=personal.phone,
        fax=personal.fax,
        company=personal.company,
        image_url=personal.image_url,
        birth_date=Date(personal.birth_date) if personal.birth_date else None,
        locale=personal.locale,
        newsletter=row.newsletter,
        newsletter_consented_at=_parse_datetime(personal.newsletter_consented_at),
        attributes=[Attribute(name=name, value=value) for name, value in sorted((personal.attributes or {}).items())],
        terms_acceptance=_terms_acceptance(personal),
        approval=Approval(row.approval) if row.approval else None,
        reference=personal.reference,
        reference_origin=personal.reference_origin,
        tax_exemption_code=personal.tax_exemption_code,
        metadata=personal.metadata,  # type: ignore[arg-type] # a NewType
        status=customer.status,
        has_password=row.has_password,
        email_verified=row.email_verified_at is not None,
        shopper_reference=row.shopper_reference,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        record=customer,
    )


@strawberry.type(description="The changed customer.")
class UpdateCustomerPayload(Payload):
    """Payload of `updateCustomer`."""

    customer: Customer | None = strawberry.field(description="The customer as it is now.", default=None)


@strawberry.type
class CustomerQueries:
    """Queries for the customer itself."""

    @query(allow=[CUSTOMER], description="The customer who is logged in.")
    async def me(self, context: Context) -> Customer | None:
        """The row was read together with the login session."""
        customer_id = context.principal.own_customer_id
        found = await context.load(repository.by_ids, customer_id)
        return to_customer(found) if found else None


@strawberry.type
class CustomerMutations:
    """Mutations of customers."""

    @mutation(
        allow=[CUSTOMER, *back_office(Scope.CUSTOMERS_WRITE)],
        description="Change a profile, in part: a field left away stays, an explicit null clears it.",
    )
    async def update_customer(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[UpdateCustomerInput, strawberry.argument(description="What to change.")],
    ) -> UpdateCustomerPayload:
        """When anything changed: the next version and one audit row; else nothing of the customer is written."""
        customer_id = owner_id(context.principal, input.customer_id)
        cached_customer = context.cached(repository.by_ids, customer_id)
        changes, extras = provided_fields(input, UPDATABLE_FIELDS), []
        if changes.get("attributes") is not None:
            changes["attributes"] = attribute_pairs(changes["attributes"])
            extras = await extra_fields.by_organization(context.store, context.organization.id)
        if changes.get("login_name") is not None and context.principal.customer_id is not None:
            await _require_young_login(context)
        result = await service.update(
            session,
            context.store.vault,
            organization=context.organization,
            customer=cached_customer or customer_id,
            input_values=changes,
            by_customer=context.principal.customer_id is not None,
            expected_version=input.expected_version,
            extras=extras,
        )
        found, names = result.customer, result.names
        if "email" in names:
            await email_replacement.finish(
                session, context.store.vault, organization=context.organization, before=result.before, after=found
            )
        if names:
            record(session, context.origin, Action.CUSTOMER_UPDATED, customer_id=customer_id, fields=names)
        elif context.principal.customer_id is None:
            # Nothing was changed, but the integration reads the customer.
            record(session, context.origin, Action.CUSTOMER_READ, customer_id=customer_id)
        if "locale" in names and context.principal.customer_id is not None:
            context.follow_locale(found.personal.locale)
        if "newsletter" in names and found.row.newsletter:
            links = context.services.get(UnsubscribeLinks)
            await send_newsletter_welcome(
                session, context.store.vault, links, organization=context.organization, customer=found
            )
        return UpdateCustomerPayload(customer=to_customer(found))
