"""Endpoints: created, changed, given new secrets, switched off and deleted.

| an endpoint            | receives                              | its secret                                        |
| ---------------------- | ------------------------------------- | ------------------------------------------------- |
| is created             | what happens from then on             | shown this once                                   |
| gets a new secret      | messages with both signatures, 24 h   | the new one is shown this once                    |
| is switched off        | nothing; what happens is not kept     | stays                                             |
| is switched on         | what happens from then on, and what   | stays                                             |
|                        | waited when it was switched off       |                                                   |
| answers 410            | as switched off: GONE                 | stays                                             |
| fails for days         | as switched off: FAILING              | stays                                             |
| is deleted             | nothing more                          | gone, and its key a week later                    |
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from types import MappingProxyType
from typing import ClassVar
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.accounts.webhooks.signatures import Signing, new_secret
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.errors import AppError, ErrorCode, ErrorRule, Invalid, NotFound, Required
from app.platform.validation import Validation
from app.platform.values import identifier_parser
from app.platform.vault.vault import Vault
from app.platform.webhooks.events import WebhookEvent
from app.platform.webhooks.tables import WebhookEndpoint, WebhookSubscription

TABLE = "webhook_endpoints"
MAX_ENDPOINTS = 20
URL_MAX = 2048
OVERLAP = timedelta(hours=24)


class EndpointLimitReached(AppError):
    """The organization has as many endpoints as it may have."""

    code: ClassVar[ErrorCode] = ErrorCode.LIMIT_REACHED
    message = "An organization has at most {max} endpoints."
    values = MappingProxyType({"max": MAX_ENDPOINTS})


class DisabledReason(Enum):
    """Why an endpoint receives nothing."""

    SWITCHED_OFF = "SWITCHED_OFF"
    GONE = "GONE"
    FAILING = "FAILING"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What messages are signed with; `previous` after an exchange."""

    current: str
    previous: str | None = None


def parse_url(raw: str, *, allow_private: bool) -> str:
    """The address of an endpoint: https, without user, password or fragment; http too where `allow_private`."""
    value = identifier_parser(1, URL_MAX)(raw)
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - raises for what is no port
    except ValueError:
        parts = urlsplit("")
    schemes = {"https", "http"} if allow_private else {"https"}
    if parts.scheme not in schemes or not parts.hostname or parts.fragment or "@" in parts.netloc:
        raise Invalid("Write a web address that starts with https://, without user and #.", rule=ErrorRule.URL)
    return value


def parse_events(raw: Collection[WebhookEvent]) -> list[str]:
    """What it subscribes to: one event at least."""
    if not raw:
        raise Required("Choose at least one event.")
    return sorted({event.value for event in raw})


async def create(
    session: AsyncSession,
    vault: Vault,
    *,
    organization_id: UUID,
    url: str,
    events: Collection[WebhookEvent],
    signing: Signing,
    allow_private: bool,
) -> tuple[WebhookEndpoint, str]:
    """A new endpoint and its secret; raise `AppErrorGroup`, `EndpointLimitReached`."""
    validation = Validation()
    parsed_url = validation.require("url", lambda raw: parse_url(raw, allow_private=allow_private), url)
    parsed_events = validation.check("events", parse_events, events)
    validation.raise_errors()
    if len(await of_organization(session, organization_id=organization_id)) >= MAX_ENDPOINTS:
        raise EndpointLimitReached
    endpoint_id, secret = new_id(), new_secret(signing)
    cipher = await vault.create_key(endpoint_id, organization_id=organization_id)
    endpoint = WebhookEndpoint(
        id=endpoint_id,
        organization_id=organization_id,
        url=parsed_url,
        signing=signing.value,
        events=parsed_events,
        secrets=cipher.seal(TABLE, endpoint_id, Secrets(secret)),
        created_at=now(),
    )
    session.add(endpoint)
    await session.flush()
    await _subscribe(session, endpoint)
    return endpoint, secret


async def change(
    session: AsyncSession,
    *,
    organization_id: UUID,
    endpoint_id: UUID,
    url: str | None,
    events: Collection[WebhookEvent] | None,
    enabled: bool | None,
    allow_private: bool,
) -> WebhookEndpoint:
    """Replace what is given; raise `NotFound`, `AppErrorGroup`."""
    endpoint = await lock(session, organization_id=organization_id, endpoint_id=endpoint_id)
    validation = Validation()
    if url is not None:
        endpoint.url = validation.require("url", lambda raw: parse_url(raw, allow_private=allow_private), url)
    if events is not None:
        endpoint.events = validation.check("events", parse_events, events)
    validation.raise_errors()
    if enabled is not None:
        set_enabled(endpoint, DisabledReason.SWITCHED_OFF if not enabled else None)
    session.add(endpoint)
    await _subscribe(session, endpoint)
    return endpoint


def set_enabled(endpoint: WebhookEndpoint, disabled: DisabledReason | None) -> None:
    """Switch a locked endpoint on, or off for this reason; whoever calls it subscribes or unsubscribes it."""
    endpoint.enabled, endpoint.disabled_reason = disabled is None, disabled.value if disabled else None
    endpoint.failing_since = None


async def disable(session: AsyncSession, endpoint: WebhookEndpoint, reason: DisabledReason) -> None:
    """Switch a locked endpoint off: nothing is announced to it any more."""
    set_enabled(endpoint, reason)
    session.add(endpoint)
    await _subscribe(session, endpoint)


async def exchange_secret(
    session: AsyncSession, vault: Vault, *, organization_id: UUID, endpoint_id: UUID
) -> tuple[WebhookEndpoint, str]:
    """A new secret; for 24 hours messages are signed with the one before, too. Raise `NotFound`."""
    endpoint = await lock(session, organization_id=organization_id, endpoint_id=endpoint_id)
    cipher = await vault.cipher(endpoint.id)
    before = cipher.open_as(Secrets, TABLE, endpoint.id, endpoint.secrets)
    secret = new_secret(Signing(endpoint.signing))
    endpoint.secrets = cipher.seal(TABLE, endpoint.id, Secrets(secret, previous=before.current))
    endpoint.previous_secret_until = now() + OVERLAP
    session.add(endpoint)
    return endpoint, secret


async def remove(session: AsyncSession, *, organization_id: UUID, endpoint_id: UUID) -> None:
    """Delete an endpoint; its deliveries are swept. Raise `NotFound`."""
    endpoint = await lock(session, organization_id=organization_id, endpoint_id=endpoint_id)
    await session.exec(delete(WebhookSubscription).where(col(WebhookSubscription.endpoint_id) == endpoint.id))
    await session.delete(endpoint)


async def lock(session: AsyncSession, *, organization_id: UUID, endpoint_id: UUID) -> WebhookEndpoint:
    """A locked endpoint of the organization; raise `NotFound`."""
    endpoint = await session.get(WebhookEndpoint, endpoint_id, with_for_update=True, populate_existing=True)
    if endpoint is None or endpoint.organization_id != organization_id:
        raise NotFound("There is no endpoint with this id.", field=("id",))
    return endpoint


async def of_organization(session: AsyncSession, *, organization_id: UUID) -> Sequence[WebhookEndpoint]:
    """The endpoints of an organization, oldest first."""
    statement = select(WebhookEndpoint).where(WebhookEndpoint.organization_id == organization_id)
    return (await session.exec(statement.order_by(col(WebhookEndpoint.id)))).all()


async def by_id(session: AsyncSession, *, organization_id: UUID, endpoint_id: UUID) -> WebhookEndpoint | None:
    """An endpoint of the organization; None if there is none."""
    endpoint = await session.get(WebhookEndpoint, endpoint_id)
    return endpoint if endpoint is not None and endpoint.organization_id == organization_id else None


async def _subscribe(session: AsyncSession, endpoint: WebhookEndpoint) -> None:
    await session.exec(delete(WebhookSubscription).where(col(WebhookSubscription.endpoint_id) == endpoint.id))
    if endpoint.enabled:
        session.add_all(
            WebhookSubscription(endpoint_id=endpoint.id, event=event, organization_id=endpoint.organization_id)
            for event in endpoint.events
        )
    await session.flush()
