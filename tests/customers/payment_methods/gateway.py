"""A gateway with faults, and what the tests say about payment methods."""

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy import text

from app.customers.payment_methods.gateways import Gateway, Gateways, SandboxGateway
from app.customers.payment_methods.gateways.interface import GatewayUnavailable, Instrument, SetupSession
from app.customers.payment_methods.gateways.stripe_gateway import StripeGateway
from app.customers.payment_methods.reconcile import reconcile
from app.privacy.erasing import erase_due
from tests.house import Answer, House, Person, Shop

WALLET = "query { me { paymentMethods { id type brand last4 expiresSoon isDefault } } }"
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
    """A sandbox that can be out of order, lose its answers, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self.answers_to_lose = 0
        self.fault: Exception = GatewayUnavailable()
        self.asked: list[str] = []

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

    async def attached(self, token: str, *, gateway_customer: str, idempotency_key: str) -> Instrument | None:
        self._ask("attached")
        return self._answer(
            await super().attached(token, gateway_customer=gateway_customer, idempotency_key=idempotency_key)
        )

    async def detach(self, gateway_token: str, *, idempotency_key: str) -> None:
        self._ask("detach")
        await super().detach(gateway_token, idempotency_key=idempotency_key)
        self._answer(None)

    async def forget(self, gateway_customer: str, *, idempotency_key: str) -> None:
        self._ask("forget")
        await super().forget(gateway_customer, idempotency_key=idempotency_key)
        self._answer(None)

    async def create_session(self, *, gateway_customer: str, idempotency_key: str) -> SetupSession:
        self._ask("create_session")
        return self._answer(
            await super().create_session(gateway_customer=gateway_customer, idempotency_key=idempotency_key)
        )

    async def finalize(self, session_id: str, *, gateway_customer: str, idempotency_key: str) -> Instrument:
        self._ask("finalize")
        return self._answer(
            await super().finalize(session_id, gateway_customer=gateway_customer, idempotency_key=idempotency_key)
        )

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.down:
            raise self.fault

    def _answer(self, answer: Answered) -> Answered:
        if self.answers_to_lose:
            self.answers_to_lose -= 1
            raise self.fault
        return answer


@dataclass(slots=True)
class Desk(Generic[Used]):
    """A house at whose desk customers keep payment methods, with one gateway behind it."""

    house: House
    gateway: Used
    gateways: Gateways = field(init=False)

    def __post_init__(self) -> None:
        self.gateways = Gateways([self.gateway])
        self.house.patron.services.add(Gateways, self.gateways)

    async def add(self, person: Person | str, token: str = "tok_visa", **fields: Any) -> Answer:
        return await self.house.ask(FULL, token=bearer(person), input={"token": token, **fields})

    async def added(self, person: Person | str, token: str = "tok_visa", **fields: Any) -> Any:
        return (await self.add(person, token, **fields)).payload("addPaymentMethod")["paymentMethod"]

    async def wallet(self, person: Person) -> list[Any]:
        methods: list[Any] = (await self.house.ask(WALLET, token=person.token)).data["me"]["paymentMethods"]
        return methods

    async def defaults(self, person: Person) -> list[str]:
        return [method["id"] for method in await self.wallet(person) if method["isDefault"]]

    async def set_default(self, person: Person | str, method_id: str) -> Answer:
        return await self.house.ask(SET_DEFAULT, token=bearer(person), id=method_id)

    async def delete(self, person: Person | str, method_id: str, replacement_id: str | None = None) -> Answer:
        return await self.house.ask(DELETE, token=bearer(person), id=method_id, replacementId=replacement_id)

    async def open_session(self, person: Person | str, shop: Shop | None = None, **fields: Any) -> Answer:
        return await self.house.ask(SESSION, token=bearer(person), shop=shop, input=fields or None)

    async def attempts(self) -> list[tuple[str, str]]:
        """Kind and state of what the gateways were asked, oldest first."""
        rows = await self._all("SELECT kind, state FROM gateway_attempts ORDER BY id")
        return [(row.kind, row.state) for row in rows]

    async def open_seals(self) -> int:
        """How many attempts still hold anything of a person."""
        return await self.house.count("gateway_attempts", "sealed IS NOT NULL OR token_hash IS NOT NULL")

    async def wait(self) -> None:
        """Let as much time go by as makes every attempt due."""
        async with self.house.patron.store.database.engine.begin() as connection:
            await connection.execute(text("UPDATE gateway_attempts SET next_attempt_at = '2020-01-01 00:00:00.000000'"))

    async def reconcile(self) -> int:
        return await reconcile(self.house.patron.store, self.gateways, limit=100)

    async def settle(self) -> None:
        """Let the reconciler run until nothing is due."""
        await self.wait()
        while await self.reconcile():
            pass

    async def stored(self, secret: str) -> list[object]:
        """The values in the main database that show it.

        A few digits are met by chance in ids, times and random bytes: of these only short texts count.
        """
        values = [
            value
            for table in await self.house.tables()
            for row in await self._all(f"SELECT * FROM {table}")
            for value in row
        ]
        if secret.isdecimal():
            values = [value for value in values if isinstance(value, str) and len(value) < ID_LENGTH]
        return [value for value in values if secret in repr(value)]

    async def _all(self, query: str) -> Any:
        async with self.house.patron.store.database.engine.connect() as connection:
            return (await connection.execute(text(query))).all()


class Counter(Desk[FaultyGateway]):
    """With the faulty sandbox behind it."""


class Till(Desk[StripeGateway]):
    """With Stripe behind it."""


async def forget(desk: Desk[Any], person: Person) -> None:
    """Have a customer erased, key and all."""
    staff = await desk.house.staff()
    asked = await desk.house.ask("RequestAnonymization", token=staff, customerId=person.id)
    asked.payload("requestAnonymization")
    assert await erase_due(desk.house.patron.store) == 1


def bearer(person: Person | str) -> str:
    return person if isinstance(person, str) else person.token
