"""Refusals of payment method mutations: code, field, and that nothing happened."""

import logging

import pytest

from app.customers.payment_methods.addition import MAX_PAYMENT_METHODS
from app.platform.principal import Scope
from tests.customers.payment_methods.payments import SandboxPayments
from tests.shop import Person, Shop

CARDS = [
    "4242424242424242",
    "4242 4242 4242 4242",
    "4242-4242-4242-4242",
    "4242.4242.4242.4242",
    " 4242\t4242 4242 4242 ",
    "378282246310005",
    "6011 1111 1111 1117",
    "4242424242424242 12/29 123",
    "tok_4242424242424242",
    "card:4242424242424242-123",
    "pm_5555555555554444123",
    "visa 4242 - 4242 - 4242 - 4242",
    "4242424242424241",
    "1234567890123",
    "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢",
]


@pytest.mark.parametrize("name", ["token", "sessionId"])
async def test_anything_like_a_card_number_is_refused_and_neither_stored_nor_sent(
    sqlite_payments: SandboxPayments, name: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    payments = sqlite_payments
    ann = await payments.shop.register("ann@example.org")
    before = await payments.shop.counts()
    caplog.set_level(logging.DEBUG)

    answers = [await payments.try_to_add(ann, **{"token": None, name: card}) for card in CARDS]  # type: ignore[arg-type]

    assert [answer.refusals("addPaymentMethod") for answer in answers] == [[("CARD_DATA_REFUSED", [name])]] * len(CARDS)
    assert [answer.data["addPaymentMethod"]["paymentMethod"] for answer in answers] == [None] * len(CARDS)
    assert payments.gateway.calls == []
    assert await payments.shop.counts() == before
    output = "".join(caplog.messages) + "".join(capfd.readouterr()) + str([answer.body for answer in answers])
    for card in CARDS:
        assert card.strip() not in output
        assert card.strip()[:12] not in output


async def test_a_card_number_on_a_database_server_is_refused_too(payments: SandboxPayments, ann: Person) -> None:
    answer = await payments.try_to_add(ann, "4242 4242 4242 4242")

    assert answer.refusals("addPaymentMethod") == [("CARD_DATA_REFUSED", ["token"])]
    assert await payments.values_showing("4242") == []


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"token": None}, ("REQUIRED", ["token"])),
        ({"token": "  "}, ("REQUIRED", ["token"])),
        ({"token": "tok_visa", "sessionId": "seti_1"}, ("INVALID", ["sessionId"])),
        ({"token": "tok visa"}, ("INVALID", ["token"])),
        ({"token": "tok_vïsa"}, ("INVALID", ["token"])),
        ({"token": "tok_\u0000visa"}, ("INVALID", ["token"])),
        ({"token": "t" * 256}, ("TOO_LONG", ["token"])),
        ({"token": "tok_declined"}, ("GATEWAY_DECLINED", ["token"])),
        ({"token": "tok_nobody_knows"}, ("GATEWAY_DECLINED", ["token"])),
        ({"token": None, "sessionId": "seti_nobody_knows"}, ("GATEWAY_DECLINED", ["sessionId"])),
        ({"token": "tok_unavailable"}, ("GATEWAY_UNAVAILABLE", None)),
    ],
)
async def test_a_refused_input_saves_nothing(
    sqlite_payments: SandboxPayments, given: dict[str, str], refused: tuple[str, list[str]]
) -> None:
    payments = sqlite_payments
    ann = await payments.shop.register("ann@example.org")

    answer = await payments.try_to_add(ann, **given)

    assert answer.refusals("addPaymentMethod") == [refused]
    assert answer.data["addPaymentMethod"]["paymentMethod"] is None
    assert await payments.saved_methods(ann) == []
    assert "payment_method.added" not in await payments.shop.audit()
    await payments.reconcile_all()
    assert await payments.attempts_with_secrets() == 0


async def test_a_declined_token_leaves_nothing_to_reconcile(payments: SandboxPayments, ann: Person) -> None:
    await payments.try_to_add(ann, "tok_declined")

    assert await payments.attempts() == [("ATTACH", "DONE")]
    assert await payments.attempts_with_secrets() == 0


async def test_the_fifty_first_is_refused_before_the_gateway_is_asked(sqlite_payments: SandboxPayments) -> None:
    payments = sqlite_payments
    ann = await payments.shop.register("ann@example.org")
    for _ in range(MAX_PAYMENT_METHODS):
        await payments.add_method(ann)

    answer = await payments.try_to_add(ann)

    assert answer.refusals("addPaymentMethod") == [("LIMIT_REACHED", None)]
    assert len(payments.gateway.instruments) == MAX_PAYMENT_METHODS == 50
    assert payments.gateway.calls.count("attach") == MAX_PAYMENT_METHODS


async def test_somebody_else_s_payment_method_does_not_exist(
    payments: SandboxPayments, ann: Person, bob: Person
) -> None:
    hers = await payments.add_method(ann)
    his = await payments.add_method(bob)
    before = await payments.shop.counts()

    assert (await payments.set_default(bob, hers["id"])).refusals("setDefaultPaymentMethod") == [("NOT_FOUND", ["id"])]
    assert (await payments.delete(bob, hers["id"])).refusals("deletePaymentMethod") == [("NOT_FOUND", ["id"])]
    replacing = await payments.delete(bob, his["id"], hers["id"])
    assert replacing.refusals("deletePaymentMethod") == [("NOT_FOUND", ["replacementId"])]

    assert await payments.shop.counts() == before
    assert await payments.defaults(ann) == [hers["id"]]


async def test_somebody_else_s_session_is_declined(payments: SandboxPayments, ann: Person, bob: Person) -> None:
    opened = (await payments.open_session(ann)).payload("createPaymentSession")["paymentSession"]

    answer = await payments.try_to_add(bob, token=None, sessionId=opened["id"])  # type: ignore[arg-type]

    assert answer.refusals("addPaymentMethod") == [("GATEWAY_DECLINED", ["sessionId"])]
    assert payments.gateway.instruments == {}


async def test_a_malformed_id_is_not_found(payments: SandboxPayments, ann: Person) -> None:
    hers = await payments.add_method(ann)

    for named in ("", "nonsense", "QWRkcmVzczow", "UGF5bWVudE1ldGhvZDow", ann.id):
        assert (await payments.set_default(ann, named)).refusals("setDefaultPaymentMethod") == [("NOT_FOUND", ["id"])]
        assert (await payments.delete(ann, named)).refusals("deletePaymentMethod") == [("NOT_FOUND", ["id"])]

    assert await payments.defaults(ann) == [hers["id"]]


async def test_one_cannot_replace_itself(payments: SandboxPayments, ann: Person) -> None:
    hers = await payments.add_method(ann)

    answer = await payments.delete(ann, hers["id"], hers["id"])

    assert answer.refusals("deletePaymentMethod") == [("INVALID", ["replacementId"])]
    assert await payments.defaults(ann) == [hers["id"]]
    assert await payments.attempts() == [("ATTACH", "DONE")]


async def test_a_customer_names_no_other_and_an_integration_must_name_one(
    payments: SandboxPayments, ann: Person, bob: Person
) -> None:
    back_office = await payments.shop.integration()

    for answer, name in (
        (await payments.try_to_add(bob, customerId=ann.id), "addPaymentMethod"),
        (await payments.open_session(bob, customerId=ann.id), "createPaymentSession"),
    ):
        assert answer.refusals(name) == [("NOT_ALLOWED", ["customerId"])]
    for answer, name in (
        (await payments.try_to_add(back_office), "addPaymentMethod"),
        (await payments.open_session(back_office), "createPaymentSession"),
    ):
        assert answer.refusals(name) == [("REQUIRED", ["customerId"])]

    assert payments.gateway.calls == []


async def test_a_customer_of_another_shop_does_not_exist(payments: SandboxPayments, ann: Person) -> None:
    shop: Shop = payments.shop
    other = await shop.create_organization("second")
    back_office = await shop.integration(organization=other)
    hers = await payments.add_method(ann)
    payments.gateway.calls.clear()

    answers = [
        ((await payments.try_to_add(back_office, customerId=ann.id)).refusals("addPaymentMethod"), ["customerId"]),
        (
            (await payments.open_session(back_office, customerId=ann.id)).refusals("createPaymentSession"),
            ["customerId"],
        ),
        ((await payments.set_default(back_office, hers["id"])).refusals("setDefaultPaymentMethod"), ["id"]),
        ((await payments.delete(back_office, hers["id"])).refusals("deletePaymentMethod"), ["id"]),
    ]

    assert [refusal for refusal, _ in answers] == [[("NOT_FOUND", field)] for _, field in answers]
    assert payments.gateway.calls == []
    assert await payments.defaults(ann) == [hers["id"]]


async def test_guests_and_integrations_without_the_scope_are_refused(payments: SandboxPayments, ann: Person) -> None:
    hers = await payments.add_method(ann)
    reader = await payments.shop.integration(Scope.CUSTOMERS_READ)
    before = await payments.shop.counts()

    for token, code in ((None, "UNAUTHENTICATED"), (reader, "FORBIDDEN")):
        organization = None if token else payments.shop.organization
        for operation, variables in (
            ('mutation { addPaymentMethod(input: {token: "tok_visa"}) { userErrors { code } } }', {}),
            ("mutation { createPaymentSession { userErrors { code } } }", {}),
            ("SetDefaultPaymentMethod", {"id": hers["id"]}),
            ("DeletePaymentMethod", {"id": hers["id"]}),
        ):
            answer = await payments.shop.ask(operation, token=token, organization=organization, **variables)
            assert answer.codes == [code]

    assert await payments.shop.counts() == before
