"""What a customer does with payment methods, told through the endpoint."""

from datetime import datetime

from app.platform.clock import now
from app.platform.graphql import ids
from app.platform.principal import Scope
from tests.customers.payment_methods.gateway import Counter
from tests.house import CONTRACT, Person


async def test_the_contract_s_operations_save_a_card(counter: Counter, ann: Person) -> None:
    opened = await counter.house.ask("CreatePaymentSession", token=ann.token)
    added = await counter.house.post(
        {"query": CONTRACT["AddPaymentMethod"], "variables": {"token": "tok_visa"}}, authorization=f"Bearer {ann.token}"
    )

    assert opened.payload("createPaymentSession")["paymentSession"]["gateway"] == "sandbox"
    method = added.payload("addPaymentMethod")["paymentMethod"]
    assert (method["type"], method["brand"], method["last4"], method["isDefault"]) == ("CARD", "visa", "4242", True)
    assert await counter.wallet(ann) == [
        {"id": method["id"], "type": "CARD", "brand": "visa", "last4": "4242", "expiresSoon": False, "isDefault": True}
    ]


async def test_every_field_of_a_card_is_shown_and_its_token_is_not(counter: Counter, ann: Person) -> None:
    added = await counter.added(ann, "tok_mastercard")

    assert {**added, "id": "", "createdAt": ""} == {
        "id": "",
        "type": "CARD",
        "gateway": "sandbox",
        "brand": "mastercard",
        "last4": "4444",
        "expiryMonth": 12,
        "expiryYear": now().year + 3,
        "funding": "credit",
        "country": "CH",
        "expiresSoon": False,
        "isDefault": True,
        "createdAt": "",
    }
    assert abs(datetime.fromisoformat(added["createdAt"]) - now()).total_seconds() < 60


async def test_a_bank_account_has_no_expiry(counter: Counter, ann: Person) -> None:
    added = await counter.added(ann, "tok_bank_account")

    assert (added["type"], added["expiryMonth"], added["expiryYear"]) == ("BANK_ACCOUNT", None, None)
    assert added["expiresSoon"] is False


async def test_nothing_of_a_card_is_readable_in_the_database(counter: Counter, ann: Person) -> None:
    await counter.added(ann, "tok_amex")

    (instrument,) = counter.gateway.instruments.values()
    for secret in ("tok_amex", "8431", "amex", instrument.gateway_token, instrument.gateway_customer):
        assert await counter.stored(secret) == []
    # What is plain is found: the search can fail.
    assert await counter.stored("sandbox") != []


async def test_each_attach_makes_another_instrument(counter: Counter, ann: Person) -> None:
    await counter.added(ann)
    await counter.added(ann)

    assert len(await counter.wallet(ann)) == 2
    assert len(counter.gateway.instruments) == 2


async def test_the_gateway_knows_a_customer_once(counter: Counter, ann: Person) -> None:
    await counter.added(ann)
    await counter.added(ann)
    await counter.open_session(ann)

    assert counter.gateway.asked.count("create_customer") == 1
    assert len({one.gateway_customer for one in counter.gateway.instruments.values()}) == 1


async def test_the_first_one_is_the_default_and_the_second_is_not(counter: Counter, ann: Person) -> None:
    first = await counter.added(ann, setDefault=False)
    second = await counter.added(ann)

    assert (first["isDefault"], second["isDefault"]) == (True, False)
    assert await counter.defaults(ann) == [first["id"]]


async def test_one_added_as_the_default_takes_over(counter: Counter, ann: Person) -> None:
    await counter.added(ann)
    second = await counter.added(ann, setDefault=True)

    assert second["isDefault"] is True
    assert await counter.defaults(ann) == [second["id"]]


async def test_setting_the_default_moves_it_and_twice_is_once(counter: Counter, ann: Person) -> None:
    await counter.added(ann)
    second = await counter.added(ann)

    for _ in range(2):
        answer = await counter.set_default(ann, second["id"])
        assert answer.payload("setDefaultPaymentMethod")["paymentMethod"] == {"id": second["id"], "isDefault": True}

    assert await counter.defaults(ann) == [second["id"]]
    assert (await counter.house.audit()).count("payment_method.made_default") == 2


async def test_deleting_the_default_makes_the_replacement_the_default(counter: Counter, ann: Person) -> None:
    first, second, _ = [await counter.added(ann) for _ in range(3)]

    answer = await counter.delete(ann, first["id"], second["id"])

    assert answer.payload("deletePaymentMethod")["deletedPaymentMethodId"] == first["id"]
    assert await counter.defaults(ann) == [second["id"]]
    assert len(await counter.wallet(ann)) == 2


async def test_deleting_the_default_makes_the_newest_other_one_the_default(counter: Counter, ann: Person) -> None:
    first, _, third = [await counter.added(ann) for _ in range(3)]

    (await counter.delete(ann, first["id"])).payload("deletePaymentMethod")

    assert await counter.defaults(ann) == [third["id"]]


async def test_deleting_another_one_leaves_the_default_whatever_replacement_is_named(
    counter: Counter, ann: Person
) -> None:
    first, second, third = [await counter.added(ann) for _ in range(3)]

    (await counter.delete(ann, third["id"], second["id"])).payload("deletePaymentMethod")

    assert await counter.defaults(ann) == [first["id"]]


async def test_the_last_one_can_be_deleted_and_the_next_is_the_default_again(counter: Counter, ann: Person) -> None:
    only = await counter.added(ann)
    (await counter.delete(ann, only["id"])).payload("deletePaymentMethod")
    assert await counter.wallet(ann) == []

    assert (await counter.added(ann))["isDefault"] is True


async def test_a_deletion_reaches_the_gateway(counter: Counter, ann: Person) -> None:
    first = await counter.added(ann)
    await counter.added(ann)
    assert len(counter.gateway.instruments) == 2

    (await counter.delete(ann, first["id"])).payload("deletePaymentMethod")
    assert "detach" not in counter.gateway.asked
    assert await counter.reconcile() == 1

    assert len(counter.gateway.instruments) == 1
    assert await counter.attempts() == [("ATTACH", "DONE"), ("ATTACH", "DONE"), ("DETACH", "DONE")]
    assert await counter.open_seals() == 0
    assert await counter.reconcile() == 0


async def test_a_completed_session_becomes_a_payment_method(counter: Counter, ann: Person) -> None:
    opened = (await counter.open_session(ann)).payload("createPaymentSession")["paymentSession"]
    assert opened["clientSecret"].startswith(opened["id"])
    assert opened["publishableKey"] == "pk_sandbox"
    assert datetime.fromisoformat(opened["expiresAt"]) > now()

    added = await counter.added(ann, token=None, sessionId=opened["id"])  # type: ignore[arg-type]

    assert added["last4"] == "4242"
    assert len(counter.gateway.instruments) == 1


async def test_finalizing_a_session_again_answers_the_same_payment_method(counter: Counter, ann: Person) -> None:
    opened = (await counter.open_session(ann)).payload("createPaymentSession")["paymentSession"]

    once = await counter.added(ann, token=None, sessionId=opened["id"])  # type: ignore[arg-type]
    again = await counter.added(ann, token=None, sessionId=opened["id"])  # type: ignore[arg-type]

    assert once == again
    assert len(await counter.wallet(ann)) == 1


async def test_an_integration_acts_for_the_customer_it_names(counter: Counter, ann: Person) -> None:
    back_office = await counter.house.integration(Scope.CUSTOMERS_WRITE)
    first = await counter.added(back_office, customerId=ann.id)
    second = await counter.added(back_office, "tok_amex", customerId=ann.id)
    opened = await counter.open_session(back_office, customerId=ann.id)
    assert opened.payload("createPaymentSession")["paymentSession"]

    (await counter.set_default(back_office, second["id"])).payload("setDefaultPaymentMethod")
    (await counter.delete(back_office, first["id"])).payload("deletePaymentMethod")

    assert await counter.defaults(ann) == [second["id"]]


async def test_a_staff_member_may_do_so_too(counter: Counter, ann: Person) -> None:
    staff = await counter.house.staff(Scope.CUSTOMERS_WRITE)

    assert (await counter.added(staff, customerId=ann.id))["isDefault"] is True


async def test_every_write_is_in_the_audit_log(counter: Counter, ann: Person) -> None:
    first = await counter.added(ann)
    await counter.added(ann, setDefault=True)
    await counter.set_default(ann, first["id"])
    await counter.delete(ann, first["id"])

    told = [action for action in await counter.house.audit() if action.startswith("payment_method.")]
    assert told == [
        "payment_method.added",
        "payment_method.made_default",
        "payment_method.added",
        "payment_method.made_default",
        "payment_method.made_default",
        "payment_method.deleted",
        "payment_method.made_default",
    ]


async def test_ids_are_global(counter: Counter, ann: Person) -> None:
    added = await counter.added(ann)

    assert ids.decode("PaymentMethod", added["id"]).version == 7
