"""GraphQL mutation `acceptTerms`."""

from dataclasses import replace
from typing import Annotated

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.next_steps import next_step
from app.accounts.registration import NextStep, terms_acceptance
from app.customers import versions
from app.customers.api import Customer, to_customer
from app.customers.records import CustomerRecord
from app.platform.audit.log import Action, record
from app.platform.errors import Invalid, NotAllowed, NotFound
from app.platform.graphql.access import CUSTOMER
from app.platform.graphql.context import Context
from app.platform.graphql.fields import Payload, mutation


@strawberry.input(description="What is agreed to.")
class AcceptTermsInput:
    """The version guards against terms that changed while the customer was reading."""

    version: str | None = strawberry.field(
        description="The version that the customer was shown; refused when it is not the present one.", default=None
    )


@strawberry.type(description="The customer who agreed, and what comes next.")
class AcceptTermsPayload(Payload):
    """Answer of `acceptTerms`."""

    customer: Customer | None = strawberry.field(description="The customer as it is now.", default=None)
    next_step: NextStep | None = strawberry.field(
        description="What comes next: `DONE` or `CHOOSE_LOGIN_NAME`; null when nothing was accepted.", default=None
    )


@strawberry.type
class TermsMutations:
    """The mutation `acceptTerms`."""

    @mutation(
        allow=[CUSTOMER],
        description="Agree to the present terms of the organization: after a login that answered `ACCEPT_TERMS`, or at "
        "any time. It is recorded with the version and the time.",
    )
    async def accept_terms(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[AcceptTermsInput, strawberry.argument(description="Which version.")],
    ) -> AcceptTermsPayload:
        """Agreeing again is a new agreement with a new time."""
        settings, customer_id = context.organization.settings, context.principal.own_customer_id
        if not settings.has_terms:
            raise NotAllowed("This shop has no terms to agree to.")
        if input.version is not None and input.version != settings.terms_version:
            raise Invalid("The terms have another version by now. Show them again.", field=("version",))
        organization_id, vault = context.organization.id, context.store.vault
        customer = await versions.lock(session, vault, organization_id=organization_id, customer_id=customer_id)
        if customer is None:
            raise NotFound
        accepted = CustomerRecord(customer.row, replace(customer.personal, **terms_acceptance(settings)))
        written = await versions.write_next_version(session, vault, accepted)
        record(session, context.origin, Action.TERMS_ACCEPTED, customer_id=customer_id)
        return AcceptTermsPayload(customer=to_customer(written), next_step=next_step(settings, written.personal))
