"""Newsletter: the welcome mail, and signed links to unsubscribe."""

import base64
import binascii
import hmac
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.notices import notify
from app.customers.records import CustomerRecord
from app.customers.repository import LockedCustomer
from app.platform.mail.templates import Template
from app.platform.principal import Organization
from app.platform.vault.fingerprints import Fingerprints
from app.platform.vault.vault import Vault

PREFIX = "nl_"
PURPOSE = "newsletter"
UNSUBSCRIBE_PATH = "/newsletter/unsubscribe"
TOKEN_MAX = 128
ID_BYTES = 16
TAG_BYTES = 16


class UnsubscribeLinks:
    """Signs and verifies the links that unsubscribe from the newsletter without a login."""

    def __init__(self, fingerprints: Fingerprints, *, public_url: str) -> None:
        """Make links to the service at `public_url`."""
        self._fingerprints = fingerprints
        self._public_url = public_url

    def token(self, customer_id: UUID) -> str:
        """A token that can only unsubscribe; it never expires, so that the links in old newsletters work."""
        body = customer_id.bytes
        return PREFIX + base64.urlsafe_b64encode(body + self._tag(body)).decode().rstrip("=")

    def customer_id_of_token(self, token: str) -> UUID | None:
        """The customer the token unsubscribes; None for a token with a wrong signature or form."""
        if not token.startswith(PREFIX) or len(token) > TOKEN_MAX:
            return None
        encoded = token.removeprefix(PREFIX)
        try:
            decoded = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        body, tag = decoded[:ID_BYTES], decoded[ID_BYTES:]
        return UUID(bytes=body) if len(body) == ID_BYTES and hmac.compare_digest(tag, self._tag(body)) else None

    def url(self, customer_id: UUID) -> str:
        """The URL that shows a button on GET and unsubscribes on POST."""
        return f"{self._public_url}{UNSUBSCRIBE_PATH}?token={self.token(customer_id)}"

    def _tag(self, body: bytes) -> bytes:
        return self._fingerprints.compute(PURPOSE, body.hex())[:TAG_BYTES]


async def send_newsletter_welcome(
    session: AsyncSession,
    vault: Vault,
    links: UnsubscribeLinks,
    *,
    organization: Organization,
    customer: CustomerRecord | LockedCustomer,
) -> None:
    """Send the welcome mail to somebody who just subscribed, with the link to unsubscribe."""
    customer_id = customer.row.id
    await notify(
        session,
        vault,
        organization=organization,
        customer_id=customer_id,
        personal=customer.personal,
        template=Template.NEWSLETTER_WELCOME,
        token=links.token(customer_id),
        unsubscribe_url=links.url(customer_id),
    )
