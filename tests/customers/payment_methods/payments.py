"""A gateway with faults, and builders of the tests about payment methods."""

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy import text

from app.customers.payment_methods.gateways import Gateway, Gateways, SandboxGateway
from app.customers.payment_methods.gateways.interface import GatewayUnavailable, Instrument, SetupSession
from app.customers.payment_methods.gateways.stripe_gateway import StripeGateway
from app.customers.payment_methods.reconciliation import reconcile
from app.privacy.erasure import erase_due
from tests.shop import Answer, Person, SeededOrganization, Shop

SAVED_METHODS = "query { me { paymentMethods { id type brand last4 expiresSoon isDefault } } }"
FULL = """
mutation ($input: AddPaymentMethodInput!) {
  addPaymentMethod(input: $input) {
    paymentMethod {
      id type gateway brand last4 expiryMonth expiryYear funding country expiresSoon isDefault createdAt
    }
    userErrors { __typename code message field }
  }
}
"""
SESSION = """
mutation ($input: CreatePaymentSessionInput) {
  createPaymentSession(input: $input) {
    paymentSession { id gateway publishableKey clientSecret expiresAt }
    userErrors { code message field }
  }
}
"""
SET_DEFAULT = """
mutation ($id: ID!) {
  setDefaultPaymentMethod(id: $id) { paymentMethod { id isDefault } userErrors { code field } }
}
"""
DELETE = """
mutation ($id: ID!, $replacementId: ID) {
  deletePaymentMethod(id: $id, replacementId: $replacementId) {
    deletedPaymentMethodId userErrors { code field }
  }
}
"""


ID_LENGTH = 26
Answered = TypeVar("Answered")
Used = TypeVar("Used", bound=Gateway)


class FaultyGateway(SandboxGateway):
    """A sandbox that can be unavailable, lose its answers, and records its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self.answers_to_lose = 0
        self.fault: Exception = GatewayUnavailable()
        self.calls: list[str] = []

    async def create_customer(self, *, shopper_reference: str, idempotency_key: str) -> str:
        self._ask("create_customer")
        return self._answer(
            await super().create_customer(shopper_reference=shopper_reference, idempotency_key=idempotency_key)
        )

    async def attach(self, token: str, *, gateway_customer: str, idempotency_key: str) -> Instrument:
        self._ask("attach")
        return self._answer(
            await super().attach(token, gateway_customer=gateway_customer, idempotency_key=idempotency_key)
        )

    async def find_attached(self, token: str, *, gateway_customer: str, idempotency_key: str) -> Instrument | None:
        self._ask("attached")
        return self._answer(
            await super().find_attached(token, gateway_customer=gateway_customer, idempotency_key=idempotency_key)
        )

    async def detach(self, gateway_token: str, *, idempotency_key: str) -> None:
        self._ask("detach")
        await super().detach(gateway_token, idempotency_key=idempotency_key)
        self._answer(None)

    async def delete_customer(self, gateway_customer: str, *, idempotency_key: str) -> None:
        self._ask("forget")
        await super().delete_customer(gateway_customer, idempotency_key=idempotency_key)
        self._answer(None)

    async def create_setup_session(self, *, gateway_customer: str, idempotency_key: str) -> SetupSession:
        self._ask("create_session")
        return self._answer(
            await super().create_setup_session(gateway_customer=gateway_customer, idempotency_key=idempotency_key)
        )

    async def finalize(self, session_id: str, *, gateway_customer: str, idempotency_key: str) -> Instrument:
        self._ask("finalize")
        return self._answer(
            await super().finalize(session_id, gateway_customer=gateway_customer, idempotency_key=idempotency_key)
        )

    def _ask(self, what: str) -> None:
        self.calls.append(what)
        if self.down:
            raise self.fault

    def _answer(self, answer: Answered) -> Answered:
        if self.answers_to_lose:
            self.answers_to_lose -= 1
            raise self.fault
        return answer


@dataclass(slots=True)
class Payments(Generic[Used]):
    """A shop with one payment gateway, and the operations of customers on payment methods."""

    shop: Shop
    gateway: Used
    gateways: Gateways = field(init=False)

    def __post_init__(self) -> None:
        self.gateways = Gateways([self.gateway])
        self.shop.runtime.services.add(Gateways, self.gateways)

    async def try_to_add(self, person: Person | str, token: str = "tok_visa", **fields: Any) -> Answer:
        return await self.shop.ask(FULL, token=bearer(person), input={"token": token, **fields})

    async def add_method(self, person: Person | str, token: str = "tok_visa", **fields: Any) -> Any:
        return (await self.try_to_add(person, token, **fields)).payload("addPaymentMethod")["paymentMethod"]

    async def saved_methods(self, person: Person) -> list[Any]:
        methods: list[Any] = (await self.shop.ask(SAVED_METHODS, token=person.token)).data["me"]["paymentMethods"]
        return methods

    async def defaults(self, person: Person) -> list[str]:
        return [method["id"] for method in await self.saved_methods(person) if method["isDefault"]]

    async def set_default(self, person: Person | str, method_id: str) -> Answer:
        return await self.shop.ask(SET_DEFAULT, token=bearer(person), id=method_id)

    async def delete(self, person: Person | str, method_id: str, replacement_id: str | None = None) -> Answer:
        return await self.shop.ask(DELETE, token=bearer(person), id=method_id, replacementId=replacement_id)

    async def open_session(
        self, person: Person | str, organization: SeededOrganization | None = None, **fields: Any
    ) -> Answer:
        return await self.shop.ask(SESSION, token=bearer(person), organization=organization, input=fields or None)

    async def attempts(self) -> list[tuple[str, str]]:
        """Kind and state of the gateway attempts, oldest first."""
        rows = await self._all("SELECT kind, state FROM gateway_attempts ORDER BY id")
        return [(row.kind, row.state) for row in rows]

    async def attempts_with_secrets(self) -> int:
        """The number of attempts that still hold personal values."""
        return await self.shop.count("gateway_attempts", "sealed IS NOT NULL OR token_hash IS NOT NULL")

    async def make_attempts_due(self) -> None:
        """Make every attempt due."""
        async with self.shop.runtime.store.database.engine.begin() as connection:
            await connection.execute(text("UPDATE gateway_attempts SET next_attempt_at = '2020-01-01 00:00:00.000000'"))

    async def reconcile(self) -> int:
        return await reconcile(self.shop.runtime.store, self.gateways, limit=100)

    async def reconcile_all(self) -> None:
        """Run the reconciler until nothing is due."""
        await self.make_attempts_due()
        while await self.reconcile():
            pass

    async def values_showing(self, secret: str) -> list[object]:
        """The values in the main database that contain `secret`.

        A few digits occur by chance in ids, times and random bytes: of these only short texts count.
        """
        values = [
            value
            for table in await self.shop.tables()
            for row in await self._all(f"SELECT * FROM {table}")
            for value in row
        ]
        if secret.isdecimal():
            values = [value for value in values if isinstance(value, str) and len(value) < ID_LENGTH]
        return [value for value in values if secret in repr(value)]

    async def _all(self, query: str) -> Any:
        async with self.shop.runtime.store.database.engine.connect() as connection:
            return (await connection.execute(text(query))).all()


class SandboxPayments(Payments[FaultyGateway]):
    """Payments with the faulty sandbox as the gateway."""


class StripePayments(Payments[StripeGateway]):
    """Payments with Stripe as the gateway."""


async def erase_customer(payments: Payments[Any], person: Person) -> None:
    """Erase a customer and destroy its key."""
    staff = await payments.shop.staff()
    answer = await payments.shop.ask("RequestAnonymization", token=staff, customerId=person.id)
    answer.payload("requestAnonymization")
    assert await erase_due(payments.shop.runtime.store) == 1


def bearer(person: Person | str) -> str:
    return person if isinstance(person, str) else person.token
