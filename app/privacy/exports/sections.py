"""What an export contains: each section is read by the package that stores it.

`STORES` says for each table of `stored_data` which section shows it, or why none does; a test compares the two.
"""

from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from uuid import UUID

from app.customers import repository as customers
from app.customers.addresses import repository as addresses
from app.customers.anonymizations import repository as anonymizations
from app.customers.orders import repository as orders
from app.customers.payment_methods import repository as payment_methods
from app.identity.guessing import repository as guessing
from app.identity.proofs import repository as proofs
from app.identity.sessions import repository as sessions
from app.platform.audit import reading
from app.platform.mail import outbox
from app.platform.vault.vault import Store
from app.privacy.erasure_requests import repository as erasure_requests
from app.privacy.exports import repository as exports

Rows = list[dict[str, object]]
Read = Callable[[Store, UUID, UUID], Awaitable[Rows]]
EVENTS_PER_READ = 1000


class Section(Enum):
    """A part of an export: the name of its array in `data.json`, and of its CSV file."""

    PROFILE = "profile"
    ADDRESSES = "addresses"
    PAYMENT_METHODS = "paymentMethods"
    ORDERS = "orders"
    SESSIONS = "sessions"
    CONFIRMATIONS = "confirmations"
    WRONG_PASSWORDS = "wrongPasswords"
    MAILS = "mails"
    ERASURES = "erasures"
    EXPORTS = "exports"
    ACCESS_LOG = "accessLog"


STORES: Mapping[str, Section | str] = {
    "customers": Section.PROFILE,
    "login_identifiers": Section.PROFILE,
    "shopper_references": Section.PROFILE,
    "addresses": Section.ADDRESSES,
    "payment_methods": Section.PAYMENT_METHODS,
    "gateway_customers": Section.PAYMENT_METHODS,
    "orders": Section.ORDERS,
    "login_sessions": Section.SESSIONS,
    "refresh_tokens": "keyed hashes; their sessions are shown",
    "proofs": Section.CONFIRMATIONS,
    "guess_counters": Section.WRONG_PASSWORDS,
    "outgoing_mails": Section.MAILS,
    "anonymization_requests": Section.ERASURES,
    "erasure_requests": Section.ERASURES,
    "data_exports": Section.EXPORTS,
    "data_export_parts": "what this is",
    "legal_holds": "they are placed for others, whose rights they protect (GDPR, Art. 15 (4))",
    "webhook_events": "what the access log shows, on its way to the shop's other systems: ids and names of fields",
    "webhook_deliveries": "as above",
    "audit_events": Section.ACCESS_LOG,
    "audit_leaves": "positions in the tree over the log, which is shown",
}


async def read_all(store: Store, *, organization_id: UUID, customer_id: UUID) -> dict[Section, Rows]:
    """Everything about a customer, by section."""
    return {section: await read(store, organization_id, customer_id) for section, read in _READS.items()}


async def _profile(store: Store, organization_id: UUID, customer_id: UUID) -> Rows:
    [record] = await customers.by_ids(store, organization_id, [customer_id])
    return [record.exported()] if record else []


async def _erasures(store: Store, organization_id: UUID, customer_id: UUID) -> Rows:
    [latest] = await anonymizations.latest(store, organization_id, [customer_id])
    own = await erasure_requests.latest(store, organization_id=organization_id, customer_id=customer_id)
    rows: Rows = []
    if own is not None:
        row = own.row
        rows.append(
            {"askedBy": "CUSTOMER", "status": row.status, "requestedAt": row.requested_at, "reason": own.reason}
        )
    if latest is not None:
        rows.append({"askedBy": "SHOP", "status": latest.status, "requestedAt": latest.requested_at, "reason": None})
    return rows


async def _exports(store: Store, organization_id: UUID, customer_id: UUID) -> Rows:
    found = await exports.of_customer(store, organization_id=organization_id, customer_id=customer_id)
    return [{"status": row.status, "requestedAt": row.requested_at, "askedBy": row.asked_by} for row in found]


async def _access_log(store: Store, organization_id: UUID, customer_id: UUID) -> Rows:
    rows: Rows = []
    before: UUID | None = None
    while True:
        found = await reading.page_of_customer(
            store.database,
            organization_id=organization_id,
            customer_id=customer_id,
            before=before,
            limit=EVENTS_PER_READ,
        )
        rows += [{"at": one.at, "action": one.action, "actor": one.actor_kind, "fields": one.fields} for one in found]
        if len(found) < EVENTS_PER_READ:
            return rows
        before = found[-1].id


def _exported_by(package: Callable[..., Awaitable[Rows]]) -> Read:
    async def read(store: Store, organization_id: UUID, customer_id: UUID) -> Rows:
        return await package(store, organization_id=organization_id, customer_id=customer_id)

    return read


_READS: Mapping[Section, Read] = {
    Section.PROFILE: _profile,
    Section.ADDRESSES: _exported_by(addresses.export),
    Section.PAYMENT_METHODS: _exported_by(payment_methods.export),
    Section.ORDERS: _exported_by(orders.export),
    Section.SESSIONS: _exported_by(sessions.export),
    Section.CONFIRMATIONS: _exported_by(proofs.export),
    Section.WRONG_PASSWORDS: _exported_by(guessing.export),
    Section.MAILS: _exported_by(outbox.export),
    Section.ERASURES: _erasures,
    Section.EXPORTS: _exports,
    Section.ACCESS_LOG: _access_log,
}
