"""Payment methods over HTTP: add, read, default, delete, sessions."""

from datetime import datetime

from app.platform.clock import now
from app.platform.graphql import ids
from app.platform.principal import Scope
from tests.customers.payment_methods.payments import SandboxPayments
from tests.shop import CONTRACT, Person


async def test_the_contract_s_operations_save_a_card(payments: SandboxPayments, ann: Person) -> None:
    opened = await payments.shop.ask("CreatePaymentSession", token=ann.token)
    added = await payments.shop.post(
        {"query": CONTRACT["AddPaymentMethod"], "variables": {"token": "tok_visa"}}, authorization=f"Bearer {ann.token}"
    )

    assert opened.payload("createPaymentSession")["paymentSession"]["gateway"] == "sandbox"
    method = added.payload("addPaymentMethod")["paymentMethod"]
    assert (method["type"], method["brand"], method["last4"], method["isDefault"]) == ("CARD", "visa", "4242", True)
    assert await payments.saved_methods(ann) == [
        {"id": method["id"], "type": "CARD", "brand": "visa", "last4": "4242", "expiresSoon": False, "isDefault": True}
    ]


async def test_every_field_of_a_card_is_shown_and_its_token_is_not(payments: SandboxPayments, ann: Person) -> None:
    added = await payments.add_method(ann, "tok_mastercard")

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


async def test_a_bank_account_has_no_expiry(payments: SandboxPayments, ann: Person) -> None:
    added = await payments.add_method(ann, "tok_bank_account")

    assert (added["type"], added["expiryMonth"], added["expiryYear"]) == ("BANK_ACCOUNT", None, None)
    assert added["expiresSoon"] is False


async def test_nothing_of_a_card_is_readable_in_the_database(payments: SandboxPayments, ann: Person) -> None:
    await payments.add_method(ann, "tok_amex")

    (instrument,) = payments.gateway.instruments.values()
    for secret in ("tok_amex", "8431", "amex", instrument.gateway_token, instrument.gateway_customer):
        assert await payments.values_showing(secret) == []
    # The search finds a value that is stored in plain text.
    assert await payments.values_showing("sandbox") != []


async def test_each_attach_makes_another_instrument(payments: SandboxPayments, ann: Person) -> None:
    await payments.add_method(ann)
    await payments.add_method(ann)

    assert len(await payments.saved_methods(ann)) == 2
    assert len(payments.gateway.instruments) == 2


async def test_a_customer_is_created_once_at_the_gateway(payments: SandboxPayments, ann: Person) -> None:
    await payments.add_method(ann)
    await payments.add_method(ann)
    await payments.open_session(ann)

    assert payments.gateway.calls.count("create_customer") == 1
    assert len({one.gateway_customer for one in payments.gateway.instruments.values()}) == 1


async def test_the_first_one_is_the_default_and_the_second_is_not(payments: SandboxPayments, ann: Person) -> None:
    first = await payments.add_method(ann, setDefault=False)
    second = await payments.add_method(ann)

    assert (first["isDefault"], second["isDefault"]) == (True, False)
    assert await payments.defaults(ann) == [first["id"]]


async def test_one_added_as_the_default_takes_over(payments: SandboxPayments, ann: Person) -> None:
    await payments.add_method(ann)
    second = await payments.add_method(ann, setDefault=True)

    assert second["isDefault"] is True
    assert await payments.defaults(ann) == [second["id"]]


async def test_setting_the_default_moves_it_and_twice_is_once(payments: SandboxPayments, ann: Person) -> None:
    await payments.add_method(ann)
    second = await payments.add_method(ann)

    for _ in range(2):
        answer = await payments.set_default(ann, second["id"])
        assert answer.payload("setDefaultPaymentMethod")["paymentMethod"] == {"id": second["id"], "isDefault": True}

    assert await payments.defaults(ann) == [second["id"]]
    assert (await payments.shop.audit()).count("payment_method.made_default") == 2


async def test_deleting_the_default_makes_the_replacement_the_default(payments: SandboxPayments, ann: Person) -> None:
    first, second, _ = [await payments.add_method(ann) for _ in range(3)]

    answer = await payments.delete(ann, first["id"], second["id"])

    assert answer.payload("deletePaymentMethod")["deletedPaymentMethodId"] == first["id"]
    assert await payments.defaults(ann) == [second["id"]]
    assert len(await payments.saved_methods(ann)) == 2


async def test_deleting_the_default_makes_the_newest_other_one_the_default(
    payments: SandboxPayments, ann: Person
) -> None:
    first, _, third = [await payments.add_method(ann) for _ in range(3)]

    (await payments.delete(ann, first["id"])).payload("deletePaymentMethod")

    assert await payments.defaults(ann) == [third["id"]]


async def test_deleting_another_one_leaves_the_default_whatever_replacement_is_named(
    payments: SandboxPayments, ann: Person
) -> None:
    first, second, third = [await payments.add_method(ann) for _ in range(3)]

    (await payments.delete(ann, third["id"], second["id"])).payload("deletePaymentMethod")

    assert await payments.defaults(ann) == [first["id"]]


async def test_the_last_one_can_be_deleted_and_the_next_is_the_default_again(
    payments: SandboxPayments, ann: Person
) -> None:
    only = await payments.add_method(ann)
    (await payments.delete(ann, only["id"])).payload("deletePaymentMethod")
    assert await payments.saved_methods(ann) == []

    assert (await payments.add_method(ann))["isDefault"] is True


async def test_a_deletion_reaches_the_gateway(payments: SandboxPayments, ann: Person) -> None:
    first = await payments.add_method(ann)
    await payments.add_method(ann)
    assert len(payments.gateway.instruments) == 2

    (await payments.delete(ann, first["id"])).payload("deletePaymentMethod")
    assert "detach" not in payments.gateway.calls
    assert await payments.reconcile() == 1

    assert len(payments.gateway.instruments) == 1
    assert await payments.attempts() == [("ATTACH", "DONE"), ("ATTACH", "DONE"), ("DETACH", "DONE")]
    assert await payments.attempts_with_secrets() == 0
    assert await payments.reconcile() == 0


async def test_a_completed_session_becomes_a_payment_method(payments: SandboxPayments, ann: Person) -> None:
    opened = (await payments.open_session(ann)).payload("createPaymentSession")["paymentSession"]
    assert opened["clientSecret"].startswith(opened["id"])
    assert opened["publishableKey"] == "pk_sandbox"
    assert datetime.fromisoformat(opened["expiresAt"]) > now()

    added = await payments.add_method(ann, token=None, sessionId=opened["id"])  # type: ignore[arg-type]

    assert added["last4"] == "4242"
    assert len(payments.gateway.instruments) == 1


async def test_finalizing_a_session_again_answers_the_same_payment_method(
    payments: SandboxPayments, ann: Person
) -> None:
    opened = (await payments.open_session(ann)).payload("createPaymentSession")["paymentSession"]

    once = await payments.add_method(ann, token=None, sessionId=opened["id"])  # type: ignore[arg-type]
    again = await payments.add_method(ann, token=None, sessionId=opened["id"])  # type: ignore[arg-type]

    assert once == again
    assert len(await payments.saved_methods(ann)) == 1


async def test_an_integration_acts_for_the_customer_it_names(payments: SandboxPayments, ann: Person) -> None:
    back_office = await payments.shop.integration(Scope.CUSTOMERS_WRITE)
    first = await payments.add_method(back_office, customerId=ann.id)
    second = await payments.add_method(back_office, "tok_amex", customerId=ann.id)
    opened = await payments.open_session(back_office, customerId=ann.id)
    assert opened.payload("createPaymentSession")["paymentSession"]

    (await payments.set_default(back_office, second["id"])).payload("setDefaultPaymentMethod")
    (await payments.delete(back_office, first["id"])).payload("deletePaymentMethod")

    assert await payments.defaults(ann) == [second["id"]]


async def test_a_staff_member_may_do_so_too(payments: SandboxPayments, ann: Person) -> None:
    staff = await payments.shop.staff(Scope.CUSTOMERS_WRITE)

    assert (await payments.add_method(staff, customerId=ann.id))["isDefault"] is True


async def test_every_write_is_in_the_audit_log(payments: SandboxPayments, ann: Person) -> None:
    first = await payments.add_method(ann)
    await payments.add_method(ann, setDefault=True)
    await payments.set_default(ann, first["id"])
    await payments.delete(ann, first["id"])

    actions = [action for action in await payments.shop.audit() if action.startswith("payment_method.")]
    assert actions == [
        "payment_method.added",
        "payment_method.made_default",
        "payment_method.added",
        "payment_method.made_default",
        "payment_method.made_default",
        "payment_method.deleted",
        "payment_method.made_default",
    ]


async def test_ids_are_global(payments: SandboxPayments, ann: Person) -> None:
    added = await payments.add_method(ann)

    assert ids.decode_owned("PaymentMethod", added["id"]).row_id.version == 7
