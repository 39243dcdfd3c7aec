"""Limits the mails that anybody can have sent to an address."""

from uuid import UUID

from app.platform.errors import RateLimited
from app.platform.limits.rates import RateLimitExceeded, RateLimits
from app.platform.mail.templates import Template
from app.platform.values import EmailAddress


async def admit_mail(limits: RateLimits, template: Template, *, organization_id: UUID, email: EmailAddress) -> None:
    """Count a mail to an address before anybody looks whether it is known; raise `RateLimited`."""
    try:
        await limits.admit_mail(template.value, organization_id, email.canonical)
    except RateLimitExceeded as exceeded:
        raise RateLimited(exceeded.limit_status.reset_seconds) from None
