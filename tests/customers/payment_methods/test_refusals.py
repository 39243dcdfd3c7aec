"""What is refused, with its code and field, and that nothing happened."""

import logging

import pytest

from app.customers.payment_methods.addition import MOST
from app.platform.principal import Scope
from tests.customers.payment_methods.gateway import Counter
from tests.house import House, Person

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
async def test_anything_like_a_card_number_is_refused_and_reaches_nobody(
    sqlite_counter: Counter, name: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    counter = sqlite_counter
    ann = await counter.house.register("ann@example.org")
    before = await counter.house.counts()
    caplog.set_level(logging.DEBUG)

    answers = [await counter.add(ann, **{"token": None, name: card}) for card in CARDS]  # type: ignore[arg-type]

    assert [answer.refusals("addPaymentMethod") for answer in answers] == [[("CARD_DATA_REFUSED", [name])]] * len(CARDS)
    assert [answer.data["addPaymentMethod"]["paymentMethod"] for answer in answers] == [None] * len(CARDS)
    assert counter.gateway.asked == []
    assert await counter.house.counts() == before
    told = "".join(caplog.messages) + "".join(capfd.readouterr()) + str([answer.body for answer in answers])
    for card in CARDS:
        assert card.strip() not in told
        assert card.strip()[:12] not in told


async def test_a_card_number_on_a_database_server_is_refused_too(counter: Counter, ann: Person) -> None:
    answer = await counter.add(ann, "4242 4242 4242 4242")

    assert answer.refusals("addPaymentMethod") == [("CARD_DATA_REFUSED", ["token"])]
    assert await counter.stored("4242") == []


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
    sqlite_counter: Counter, given: dict[str, str], refused: tuple[str, list[str]]
) -> None:
    counter = sqlite_counter
    ann = await counter.house.register("ann@example.org")

    answer = await counter.add(ann, **given)

    assert answer.refusals("addPaymentMethod") == [refused]
    assert answer.data["addPaymentMethod"]["paymentMethod"] is None
    assert await counter.wallet(ann) == []
    assert "payment_method.added" not in await counter.house.audit()
    await counter.settle()
    assert await counter.open_seals() == 0


async def test_a_declined_token_leaves_nothing_to_reconcile(counter: Counter, ann: Person) -> None:
    await counter.add(ann, "tok_declined")

    assert await counter.attempts() == [("ATTACH", "DONE")]
    assert await counter.open_seals() == 0


async def test_the_fifty_first_is_refused_before_the_gateway_is_asked(sqlite_counter: Counter) -> None:
    counter = sqlite_counter
    ann = await counter.house.register("ann@example.org")
    for _ in range(MOST):
        await counter.added(ann)

    answer = await counter.add(ann)

    assert answer.refusals("addPaymentMethod") == [("LIMIT_REACHED", None)]
    assert len(counter.gateway.instruments) == MOST == 50
    assert counter.gateway.asked.count("attach") == MOST


async def test_somebody_else_s_payment_method_does_not_exist(counter: Counter, ann: Person, bob: Person) -> None:
    hers = await counter.added(ann)
    his = await counter.added(bob)
    before = await counter.house.counts()

    assert (await counter.set_default(bob, hers["id"])).refusals("setDefaultPaymentMethod") == [("NOT_FOUND", ["id"])]
    assert (await counter.delete(bob, hers["id"])).refusals("deletePaymentMethod") == [("NOT_FOUND", ["id"])]
    replacing = await counter.delete(bob, his["id"], hers["id"])
    assert replacing.refusals("deletePaymentMethod") == [("NOT_FOUND", ["replacementId"])]

    assert await counter.house.counts() == before
    assert await counter.defaults(ann) == [hers["id"]]


async def test_somebody_else_s_session_is_declined(counter: Counter, ann: Person, bob: Person) -> None:
    opened = (await counter.open_session(ann)).payload("createPaymentSession")["paymentSession"]

    answer = await counter.add(bob, token=None, sessionId=opened["id"])  # type: ignore[arg-type]

    assert answer.refusals("addPaymentMethod") == [("GATEWAY_DECLINED", ["sessionId"])]
    assert counter.gateway.instruments == {}


async def test_a_malformed_id_is_an_id_of_nothing(counter: Counter, ann: Person) -> None:
    hers = await counter.added(ann)

    for named in ("", "nonsense", "QWRkcmVzczow", "UGF5bWVudE1ldGhvZDow", ann.id):
        assert (await counter.set_default(ann, named)).refusals("setDefaultPaymentMethod") == [("NOT_FOUND", ["id"])]
        assert (await counter.delete(ann, named)).refusals("deletePaymentMethod") == [("NOT_FOUND", ["id"])]

    assert await counter.defaults(ann) == [hers["id"]]


async def test_one_cannot_replace_itself(counter: Counter, ann: Person) -> None:
    hers = await counter.added(ann)

    answer = await counter.delete(ann, hers["id"], hers["id"])

    assert answer.refusals("deletePaymentMethod") == [("INVALID", ["replacementId"])]
    assert await counter.defaults(ann) == [hers["id"]]
    assert await counter.attempts() == [("ATTACH", "DONE")]


async def test_a_customer_names_no_other_and_an_integration_must_name_one(
    counter: Counter, ann: Person, bob: Person
) -> None:
    back_office = await counter.house.integration()

    for answer, name in (
        (await counter.add(bob, customerId=ann.id), "addPaymentMethod"),
        (await counter.open_session(bob, customerId=ann.id), "createPaymentSession"),
    ):
        assert answer.refusals(name) == [("NOT_ALLOWED", ["customerId"])]
    for answer, name in (
        (await counter.add(back_office), "addPaymentMethod"),
        (await counter.open_session(back_office), "createPaymentSession"),
    ):
        assert answer.refusals(name) == [("REQUIRED", ["customerId"])]

    assert counter.gateway.asked == []


async def test_a_customer_of_another_shop_does_not_exist(counter: Counter, ann: Person) -> None:
    house: House = counter.house
    other = await house.open_shop("second")
    back_office = await house.integration(shop=other)
    hers = await counter.added(ann)
    counter.gateway.asked.clear()

    answers = [
        ((await counter.add(back_office, customerId=ann.id)).refusals("addPaymentMethod"), ["customerId"]),
        ((await counter.open_session(back_office, customerId=ann.id)).refusals("createPaymentSession"), ["customerId"]),
        ((await counter.set_default(back_office, hers["id"])).refusals("setDefaultPaymentMethod"), ["id"]),
        ((await counter.delete(back_office, hers["id"])).refusals("deletePaymentMethod"), ["id"]),
    ]

    assert [refusal for refusal, _ in answers] == [[("NOT_FOUND", field)] for _, field in answers]
    assert counter.gateway.asked == []
    assert await counter.defaults(ann) == [hers["id"]]


async def test_strangers_and_integrations_without_the_scope_are_kept_out(counter: Counter, ann: Person) -> None:
    hers = await counter.added(ann)
    reader = await counter.house.integration(Scope.CUSTOMERS_READ)
    before = await counter.house.counts()

    for token, code in ((None, "UNAUTHENTICATED"), (reader, "FORBIDDEN")):
        shop = None if token else counter.house.shop
        for operation, variables in (
            ('mutation { addPaymentMethod(input: {token: "tok_visa"}) { userErrors { code } } }', {}),
            ("mutation { createPaymentSession { userErrors { code } } }", {}),
            ("SetDefaultPaymentMethod", {"id": hers["id"]}),
            ("DeletePaymentMethod", {"id": hers["id"]}),
        ):
            answer = await counter.house.ask(operation, token=token, shop=shop, **variables)
            assert answer.codes == [code]

    assert await counter.house.counts() == before
