"""Customers ask to be erased; staff accept or decline.

| The newest request is                | `ask`        | `withdraw`       | `accept`           | `decline`        |
| ------------------------------------ | ------------ | ---------------- | ------------------ | ---------------- |
| none, DECLINED, WITHDRAWN            | PENDING      | `NothingPending` | `NothingPending`   | `NothingPending` |
| PENDING                              | `AlreadyAsked` | WITHDRAWN        | ACCEPTED           | DECLINED         |
|                                      |              |                  | (requests it)      |                  |
| ACCEPTED, the anonymization is open  | `AlreadyAsked` | `NothingPending` | `NothingPending`   | `NothingPending` |
| ACCEPTED, it was cancelled since     | PENDING      | `NothingPending` | `NothingPending`   | `NothingPending` |
| any, the customer is erased          | (no login)   |                  | `AlreadyRequested` | `NotFound`       |

Each holds the customer's lock. Where staff asked for the anonymization by themselves meanwhile, `accept` takes that
one.

PENDING is mailed to the customer and to the shop, ACCEPTED and DECLINED to the customer.
"""

from uuid import UUID

from sqlalchemy import update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers import repository as customers
from app.customers.anonymizations.tables import IS_OPEN, AnonymizationRequest
from app.customers.notices import notify
from app.customers.repository import LockedCustomer
from app.platform.clock import now
from app.platform.db.columns import new_id
from app.platform.db.locks import NO_KEY
from app.platform.errors import AppError, ErrorCode, NotFound
from app.platform.mail import outbox
from app.platform.mail.templates import Template
from app.platform.principal import Organization
from app.platform.vault.vault import Store, Vault
from app.privacy import requests
from app.privacy.erasure_requests.repository import TABLE, ErasureRequestStatus, RequestRecord, row_of
from app.privacy.policy import PrivacyPolicy
from app.privacy.requests import AlreadyRequested, Person
from app.privacy.tables import ErasureRequest

Status = ErasureRequestStatus


class AlreadyAsked(AppError):
    """The customer has asked already, and is not erased yet."""

    code = ErrorCode.ALREADY_REQUESTED
    message = "You have asked for this already."
    field = None


class NothingPending(AppError):
    """There is no request that waits for a decision."""

    code = ErrorCode.NOT_FOUND
    message = "There is no request that waits for a decision."


async def ask(
    session: AsyncSession, vault: Vault, organization: Organization, customer: LockedCustomer
) -> RequestRecord:
    """Ask for the erasure of a locked customer; raise `AlreadyAsked`. The customer and the shop get a mail."""
    row = customer.row
    newest = await _newest(session, row.id)
    is_pending = newest is not None and newest.status == Status.PENDING.value
    if is_pending or await _is_open(session, organization.id, row.id):
        raise AlreadyAsked
    request = ErasureRequest(
        customer_id=row.id,
        id=new_id(),
        organization_id=organization.id,
        status=Status.PENDING.value,
        requested_at=now(),
    )
    session.add(request)
    await _notify(session, vault, organization, customer, Template.ERASURE_REQUESTED)
    if organization.settings.notification_email:
        await outbox.enqueue(
            session,
            vault,
            organization=organization,
            customer_id=row.id,
            to=organization.settings.notification_email,
            locale=None,
            template=Template.ERASURE_TO_DECIDE,
            values={},
        )
    return RequestRecord(row_of(request))


async def withdraw(
    session: AsyncSession, vault: Vault, organization: Organization, *, customer_id: UUID
) -> RequestRecord:
    """Take the customer's own request back; raise `NothingPending` once it was decided.

    The customer gets a mail: whoever has a stolen session could do it, too.
    """
    customer = await customers.lock(session, vault, organization_id=organization.id, customer_id=customer_id)
    newest = await _newest(session, customer_id)
    is_own = newest is not None and newest.organization_id == organization.id
    if customer is None or newest is None or not is_own or newest.status != Status.PENDING.value:
        raise NothingPending
    newest.status, newest.decided_at = Status.WITHDRAWN.value, now()
    session.add(newest)
    await _notify(session, vault, organization, customer, Template.ERASURE_WITHDRAWN)
    return RequestRecord(row_of(newest))


async def accept(
    session: AsyncSession,
    store: Store,
    policy: PrivacyPolicy,
    organization: Organization,
    *,
    request_id: UUID,
    staff_id: UUID,
) -> RequestRecord:
    """Request the anonymization that the customer asked for; raise `NothingPending`, `AlreadyRequested`."""
    request, customer = await _lock(session, store.vault, organization.id, request_id)
    if customer is None:
        raise AlreadyRequested("This customer was anonymized.", field=("id",))
    if not await _is_open(session, organization.id, customer.row.id):
        await requests.request(
            session,
            store.vault,
            organization_id=organization.id,
            person=Person("id", customer_id=customer.row.id),
            requester_id=staff_id,
            delay=policy.anonymization_delay,
        )
    _decide(session, request, Status.ACCEPTED, staff_id)
    await _notify(session, store.vault, organization, customer, Template.ERASURE_ACCEPTED)
    return RequestRecord(row_of(request))


async def decline(
    session: AsyncSession,
    store: Store,
    organization: Organization,
    *,
    request_id: UUID,
    staff_id: UUID,
    reason: str,
) -> RequestRecord:
    """Decline a request and mail the reason, as the law asks for; raise `NothingPending`, `NotFound`."""
    request, customer = await _lock(session, store.vault, organization.id, request_id)
    if customer is None:
        raise NotFound(field=("id",))
    cipher = await store.vault.cipher(customer.row.id)
    request.sealed = cipher.seal(TABLE, request.id, {"reason": reason})
    _decide(session, request, Status.DECLINED, staff_id)
    await _notify(session, store.vault, organization, customer, Template.ERASURE_DECLINED, reason=reason)
    return RequestRecord(row_of(request), reason)


async def _notify(
    session: AsyncSession,
    vault: Vault,
    organization: Organization,
    customer: LockedCustomer,
    template: Template,
    **values: str,
) -> None:
    await notify(
        session,
        vault,
        organization=organization,
        customer_id=customer.row.id,
        personal=customer.personal,
        template=template,
        **values,
    )


async def _lock(
    session: AsyncSession, vault: Vault, organization_id: UUID, request_id: UUID
) -> tuple[ErasureRequest, LockedCustomer | None]:
    """The request and its customer, locked; None for a customer who was erased meanwhile."""
    statement = select(ErasureRequest.customer_id).where(
        ErasureRequest.organization_id == organization_id, ErasureRequest.id == request_id
    )
    customer_id = (await session.exec(statement)).first()
    if customer_id is None:
        raise NothingPending(field=("id",))
    customer = await customers.lock(session, vault, organization_id=organization_id, customer_id=customer_id)
    request = await session.get_one(
        ErasureRequest, (customer_id, request_id), with_for_update=NO_KEY, populate_existing=True
    )
    if customer is not None and request.status != Status.PENDING.value:
        raise NothingPending(field=("id",))
    return request, customer


def _decide(session: AsyncSession, request: ErasureRequest, status: Status, staff_id: UUID) -> None:
    request.status, request.decided_at, request.decided_by_id = status.value, now(), staff_id
    session.add(request)


async def _newest(session: AsyncSession, customer_id: UUID) -> ErasureRequest | None:
    statement = (
        select(ErasureRequest)
        .where(ErasureRequest.customer_id == customer_id)
        .order_by(col(ErasureRequest.id).desc())
        .limit(1)
        .with_for_update(**NO_KEY)
    )
    return (await session.exec(statement)).first()


async def _is_open(session: AsyncSession, organization_id: UUID, customer_id: UUID) -> bool:
    statement = select(AnonymizationRequest.id).where(
        AnonymizationRequest.owner_id == customer_id,
        AnonymizationRequest.organization_id == organization_id,
        IS_OPEN,
    )
    return (await session.exec(statement.limit(1))).first() is not None


async def erase(session: AsyncSession, *, customer_id: UUID) -> None:
    """Forget the reasons; a request that nobody decided is answered by the erasure."""
    of_customer = col(ErasureRequest.customer_id) == customer_id
    await session.exec(update(ErasureRequest).where(of_customer).values(sealed=None))
    pending = of_customer & (col(ErasureRequest.status) == Status.PENDING.value)
    await session.exec(update(ErasureRequest).where(pending).values(status=Status.ACCEPTED.value, decided_at=now()))
