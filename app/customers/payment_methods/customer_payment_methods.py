"""The locked payment methods of one customer, for a change."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from app.customers.payment_methods import repository
from app.customers.payment_methods.gateways.interface import Instrument
from app.customers.payment_methods.records import PaymentMethodRecord, open_row, record_of
from app.customers.payment_methods.tables import PaymentMethod
from app.platform.audit import log
from app.platform.audit.log import Action
from app.platform.clock import now
from app.platform.db.locks import lock_customer
from app.platform.errors import NotFound
from app.platform.principal import RequestOrigin
from app.platform.vault.sealing import DataKeyCipher
from app.platform.vault.vault import Vault

DEFAULT_FIELDS = ("isDefault",)


@dataclass(frozen=True, slots=True)
class CustomerPaymentMethods:
    """All payment methods of a locked customer, oldest first; no other transaction changes them until this one ends.

    Lock order: the customer row first, then its payment methods. `origin` is None when the service itself acts on a
    gateway's event. When the default moves:

    | Event                                        | The default                                            |
    | -------------------------------------------- | ------------------------------------------------------ |
    | the first payment method is added            | becomes that one                                       |
    | another is added with `setDefault`           | moves to it                                            |
    | `setDefaultPaymentMethod`                    | moves to the named one                                 |
    | one that is not the default is deleted       | stays                                                  |
    | the default is deleted, others are left      | moves to `replacementId`, or else to the newest one    |
    | the gateway detached the default             | moves to the newest one                                |
    | the last one is deleted                      | there is none                                          |
    """

    session: AsyncSession
    vault: Vault
    origin: RequestOrigin | None
    cipher: DataKeyCipher
    organization_id: UUID
    customer_id: UUID
    rows: list[PaymentMethod]

    def find(self, method_id: UUID, *field: str) -> PaymentMethod:
        """The payment method with this id; raise `NotFound` of `field` when the customer has no such one."""
        for row in self.rows:
            if row.id == method_id:
                return row
        raise NotFound("There is no payment method with this id.", field=field)

    def by_token_hash(self, token_hash: bytes) -> PaymentMethod | None:
        """The payment method whose gateway token has this hash."""
        return next((row for row in self.rows if row.token_hash == token_hash), None)

    def by_fingerprint(self, instrument: Instrument) -> PaymentMethod | None:
        """The payment method with the same number at the same gateway."""
        if instrument.fingerprint is None:
            return None
        same_kind = (row for row in self.rows if (row.gateway, row.type) == (instrument.gateway, instrument.type.value))
        return next(
            (row for row in same_kind if open_row(row, self.cipher).fingerprint == instrument.fingerprint), None
        )

    def open(self, row: PaymentMethod) -> PaymentMethodRecord:
        """The record of a row, with its details decrypted."""
        return record_of(row, open_row(row, self.cipher))

    async def add(self, row: PaymentMethod) -> None:
        """Insert a payment method and audit it."""
        self.session.add(row)
        await self.session.flush()
        self.rows.append(row)
        self.audit(Action.PAYMENT_METHOD_ADDED, row)

    async def remove(self, row: PaymentMethod) -> None:
        """Delete a payment method and audit it; the caller chooses the next default."""
        await self.session.delete(row)
        await self.session.flush()
        self.rows.remove(row)
        self.audit(Action.PAYMENT_METHOD_DELETED, row)

    async def make_default(self, chosen: PaymentMethod) -> None:
        """Make this the only default; nothing is written when it already is."""
        if chosen.is_default:
            return
        # The unique index allows one default at any moment: clear the old one before setting the new one.
        for row in [*(row for row in self.rows if row.is_default), chosen]:
            row.is_default = row is chosen
            row.updated_at = now()
            await self.session.flush()
        self.audit(Action.PAYMENT_METHOD_MADE_DEFAULT, chosen, *DEFAULT_FIELDS)

    def audit(self, action: Action, row: PaymentMethod, *fields: str) -> None:
        """Write an audit row about a payment method."""
        if self.origin is None:
            log.record_system_event(
                self.session,
                action,
                organization_id=self.organization_id,
                customer_id=self.customer_id,
                object_id=row.id,
            )
            return
        log.record(self.session, self.origin, action, customer_id=self.customer_id, object_id=row.id, fields=fields)


async def lock_payment_methods(
    session: AsyncSession, vault: Vault, origin: RequestOrigin | None, *, organization_id: UUID, customer_id: UUID
) -> CustomerPaymentMethods:
    """Lock a customer and read its payment methods; raise `NotFound` of `customerId` when there is no such customer."""
    if not await lock_customer(session, organization_id=organization_id, customer_id=customer_id):
        raise NotFound("There is no customer with this id.", field=("customerId",))
    # A customer who is not erased has a key: the key is destroyed only after the erasure was committed.
    cipher = await vault.cipher(customer_id)
    rows = await repository.rows_of(session, organization_id=organization_id, customer_id=customer_id)
    return CustomerPaymentMethods(session, vault, origin, cipher, organization_id, customer_id, rows)


async def lock_payment_methods_of(
    session: AsyncSession, vault: Vault, origin: RequestOrigin, *, owner_id: UUID
) -> CustomerPaymentMethods:
    """Lock the payment methods of the customer whom the global id of a payment method names.

    Raise `NotFound` of `id` when that is not the customer who calls, or not one of the organization.
    """
    principal = origin.principal
    not_found = NotFound("There is no payment method with this id.", field=("id",))
    if principal.customer_id not in {None, owner_id}:
        raise not_found
    try:
        return await lock_payment_methods(
            session, vault, origin, organization_id=principal.organization.id, customer_id=owner_id
        )
    except NotFound:
        raise not_found from None
