"""GraphQL mutation to unsubscribe from the newsletter, for storefronts with their own page for it."""

from typing import Annotated

import strawberry
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.newsletters import unsubscription
from app.customers.newsletter import UnsubscribeLinks
from app.identity.sessions.tokens import TokenInvalid
from app.platform.graphql.access import CUSTOMER, GUEST
from app.platform.graphql.context import Context
from app.platform.graphql.fields import Payload, mutation


@strawberry.input(description="What the link in a newsletter carried.")
class UnsubscribeNewsletterInput:
    """What `unsubscribeNewsletter` needs."""

    token: str = strawberry.field(description="The token of the link.")


@strawberry.type(description="The end of the newsletter, also where there was none any more.")
class UnsubscribeNewsletterPayload(Payload):
    """Answer of `unsubscribeNewsletter`."""


@strawberry.type
class NewsletterMutations:
    """Mutations of the newsletter; no login needed."""

    @mutation(
        allow=[GUEST, CUSTOMER],
        description="End the newsletter with the token of a link in it; never expires.",
        credentials=True,
    )
    async def unsubscribe_newsletter(
        self,
        context: Context,
        session: AsyncSession,
        input: Annotated[UnsubscribeNewsletterInput, strawberry.argument(description="The token.")],
    ) -> UnsubscribeNewsletterPayload:
        """Same effect as a POST to the link itself. Raise `TokenInvalid`."""
        customer_id = context.services.get(UnsubscribeLinks).customer_id_of_token(input.token)
        if customer_id is None:
            raise TokenInvalid("This link is not valid. Open it again from the mail.", field=("token",))
        await unsubscription.unsubscribe(
            session, context.store.vault, customer_id=customer_id, organization_id=context.organization.id
        )
        return UnsubscribeNewsletterPayload()
