"""Tests of the email change: verification of the new address, notice to the old one, undo."""

from typing import Any

import pytest

from app.customers.mail_recipients import find_mail_recipient
from tests.accounts.confirmations.storefront import NEW_PASSWORD, Storefront
from tests.accounts.confirmations.test_verification import ANN, WRONG, let_expire, other
from tests.shop import PASSWORD, Shop

EVE = "eve@example.org"


async def request_change(storefront: Storefront, token: str, email: str = EVE) -> dict[str, str]:
    await storefront.succeed("requestEmailChange", bearer=token, newEmail=email, password=PASSWORD)
    return await storefront.mail_values("CONFIRM_NEW_EMAIL", email)


async def change(storefront: Storefront, token: str, email: str = EVE) -> None:
    await storefront.succeed("confirmEmailChange", token=(await request_change(storefront, token, email))["token"])


async def choose_password(storefront: Storefront, email: str) -> None:
    token = (await storefront.mail_values("RESET_PASSWORD", email))["token"]
    given = {"token": token, "password": NEW_PASSWORD, "passwordConfirmation": NEW_PASSWORD}
    await storefront.succeed("resetPassword", **given)


async def test_nothing_changes_before_the_new_address_is_proven(storefront: Storefront) -> None:
    token = await storefront.register_verified(ANN)

    await request_change(storefront, token)

    assert (await storefront.me(token)).data["me"]["email"] == ANN
    assert (await storefront.login(EVE)).refusals("login") == WRONG
    await storefront.token(ANN)


async def test_the_code_works_for_the_customer_who_is_logged_in_only(storefront: Storefront) -> None:
    token, stranger = await storefront.register_verified(ANN), await storefront.register_verified("bob@example.org")
    code = (await request_change(storefront, token))["code"]

    assert await storefront.refusals_of("confirmEmailChange", code=code) == [("REQUIRED", ["token"])]
    assert await storefront.refusals_of("confirmEmailChange", bearer=stranger, code=code) == [
        ("TOKEN_INVALID", ["code"])
    ]
    assert await storefront.refusals_of("confirmEmailChange", bearer=token, code=other(code)) == [
        ("TOKEN_INVALID", ["code"])
    ]
    await storefront.succeed("confirmEmailChange", bearer=token, code=code)

    assert (await storefront.me(token)).data["me"]["email"] == EVE


async def test_a_confirmed_and_an_undone_change_are_in_the_audit_log(storefront: Storefront) -> None:
    token = await storefront.register_verified(ANN)
    await change(storefront, token)
    assert (await storefront.shop.audit())[-1] == "customer.email_changed"
    undo = (await storefront.mail_values("EMAIL_CHANGED", ANN))["token"]

    await storefront.succeed("undoEmailChange", token=undo)

    assert "customer.email_change_undone" in (await storefront.shop.audit())[-2:]


async def test_the_undo_restores_the_address_ends_every_session_and_mails_a_reset(storefront: Storefront) -> None:
    token = await storefront.register_verified(ANN)
    await change(storefront, token)
    mailed = await storefront.mail_values("EMAIL_CHANGED", ANN)
    assert mailed["new_email"] == EVE

    await storefront.succeed("undoEmailChange", token=mailed["token"])

    assert (await storefront.me(token)).status == 401
    assert (await storefront.login(EVE)).refusals("login") == WRONG
    assert (await storefront.mail_kinds())[-1] == ("RESET_PASSWORD", ANN)
    # Whoever changed the address knew the password.
    assert (await storefront.login(ANN)).refusals("login") == WRONG
    await choose_password(storefront, ANN)
    assert (await storefront.me(await storefront.token(ANN, NEW_PASSWORD))).data["me"]["email"] == ANN
    assert await storefront.refusals_of("undoEmailChange", token=mailed["token"]) == [("TOKEN_INVALID", ["token"])]


async def test_a_second_change_does_not_revoke_the_first_owners_undo(storefront: Storefront) -> None:
    token = await storefront.register_verified(ANN)
    await change(storefront, token, "eve1@example.org")
    await change(storefront, token, EVE)

    await storefront.succeed("undoEmailChange", token=(await storefront.mail_values("EMAIL_CHANGED", ANN))["token"])

    await choose_password(storefront, ANN)
    assert (await storefront.me(await storefront.token(ANN, NEW_PASSWORD))).data["me"]["email"] == ANN
    later = (await storefront.mail_values("EMAIL_CHANGED", "eve1@example.org"))["token"]
    assert await storefront.refusals_of("undoEmailChange", token=later) == [("TOKEN_INVALID", ["token"])]


async def test_registering_the_old_address_does_not_prevent_the_undo(storefront: Storefront) -> None:
    await change(storefront, await storefront.register_verified(ANN))
    thief = storefront.elsewhere()
    free = (await thief.register("free@example.org", "the thief's own words")).body
    assert (await thief.register(ANN, "the thief's own words")).body == free
    assert (await storefront.mail_kinds())[-1] == ("ALREADY_REGISTERED", ANN)

    await storefront.succeed("undoEmailChange", token=(await storefront.mail_values("EMAIL_CHANGED", ANN))["token"])

    await choose_password(storefront, ANN)
    assert (await storefront.login(ANN, "the thief's own words")).refusals("login") == WRONG
    assert (await storefront.me(await storefront.token(ANN, NEW_PASSWORD))).data["me"]["email"] == ANN


async def test_an_address_that_somebody_proved_meanwhile_stays_theirs(storefront: Storefront) -> None:
    token = await storefront.register_verified(ANN)
    mailed = await request_change(storefront, token)
    await storefront.register_verified(EVE, NEW_PASSWORD)

    assert await storefront.refusals_of("confirmEmailChange", token=mailed["token"]) == [("EMAIL_TAKEN", ["token"])]

    assert (await storefront.me(token)).data["me"]["email"] == ANN
    await storefront.token(EVE, NEW_PASSWORD)


async def test_a_change_voids_the_reset_that_went_to_the_old_address(storefront: Storefront) -> None:
    token = await storefront.register_verified(ANN)
    await storefront.succeed("requestPasswordReset", email=ANN)
    reset = (await storefront.mail_values("RESET_PASSWORD", ANN))["token"]

    await change(storefront, token)

    given = {"token": reset, "password": NEW_PASSWORD, "passwordConfirmation": NEW_PASSWORD}
    assert await storefront.refusals_of("resetPassword", **given) == [("TOKEN_INVALID", ["token"])]


async def test_a_taken_address_looks_free_and_its_owner_is_notified(storefront: Storefront) -> None:
    token = await storefront.register_verified(ANN)
    await storefront.register_verified("bob@example.org")

    await storefront.succeed("requestEmailChange", bearer=token, newEmail="Bob@example.org", password=PASSWORD)

    assert (await storefront.mail_kinds())[-1] == ("ALREADY_REGISTERED", "bob@example.org")


async def test_without_required_verification_a_taken_address_is_refused(shop: Shop) -> None:
    easy = Storefront(shop, shop.organization)
    token = (await easy.register(ANN)).payload("register")["tokens"]["accessToken"]
    await easy.register(EVE)
    before = await shop.counts()

    refused = await easy.refusals_of("requestEmailChange", bearer=token, newEmail=EVE, password=PASSWORD)

    assert refused == [("EMAIL_TAKEN", ["newEmail"])]
    assert await shop.counts() == before


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"newEmail": EVE, "password": "a wrong password"}, ("INVALID_CREDENTIALS", ["password"])),
        ({"newEmail": "eve", "password": PASSWORD}, ("INVALID", ["newEmail"])),
        ({"newEmail": "", "password": PASSWORD}, ("REQUIRED", ["newEmail"])),
        ({"newEmail": ANN, "password": PASSWORD}, ("INVALID", ["newEmail"])),
    ],
)
async def test_a_refused_change_request_writes_nothing(
    storefront: Storefront, given: dict[str, str], refusal: tuple[str, list[str]]
) -> None:
    token = await storefront.register_verified(ANN)
    counted = {"audit_events", "guess_counters"} if refusal[0] == "INVALID_CREDENTIALS" else set()
    before = {name: number for name, number in (await storefront.shop.counts()).items() if name not in counted}

    assert await storefront.refusals_of("requestEmailChange", bearer=token, **given) == [refusal]

    after = await storefront.shop.counts()
    assert {name: after[name] for name in before} == before


async def test_a_stolen_session_guesses_no_faster_than_a_stranger(storefront: Storefront) -> None:
    token = await storefront.register_verified(ANN)
    given = {"newEmail": EVE, "password": "a wrong password"}

    refusals = [await storefront.refusals_of("requestEmailChange", bearer=token, **given) for _ in range(50)]

    # Five free guesses, ten times as many in development.
    assert refusals == [[("INVALID_CREDENTIALS", ["password"])]] * 50
    assert await storefront.refusals_of("requestEmailChange", bearer=token, newEmail=EVE, password=PASSWORD) == [
        ("RATE_LIMITED", None)
    ]
    assert (await storefront.shop.audit()).count("customer.email_change_refused") == 50
    assert "CONFIRM_NEW_EMAIL" not in [kind for kind, _ in await storefront.mail_kinds()]
    changed = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD, "newPasswordConfirmation": NEW_PASSWORD}
    assert await storefront.refusals_of("changePassword", bearer=token, **changed) == [("RATE_LIMITED", None)]


async def test_an_address_that_was_never_proven_is_notified_and_cannot_undo(shop: Shop) -> None:
    easy = Storefront(shop, shop.organization)
    token = (await easy.register(ANN)).payload("register")["tokens"]["accessToken"]

    await change(easy, token)

    assert ("EMAIL_CHANGED_UNPROVEN", ANN) in await easy.mail_kinds()
    assert ("EMAIL_CHANGED", ANN) not in await easy.mail_kinds()
    assert await shop.count("proofs", "purpose = 'UNDO_EMAIL_CHANGE'") == 0
    # Nothing is reserved: somebody else may have it.
    assert (await easy.elsewhere().register(ANN, NEW_PASSWORD)).payload("register")["tokens"]


async def test_new_requests_buy_no_new_tries_of_the_code(storefront: Storefront) -> None:
    token = await storefront.register_verified(ANN)
    newest = ""
    for number in range(11):
        newest = (await request_change(storefront, token))["code"] if number % 3 == 0 else newest
        wrong = {"code": f"{(int(newest) + 1) % 1_000_000:06}"}
        assert await storefront.refusals_of("confirmEmailChange", bearer=token, **wrong) == [
            ("TOKEN_INVALID", ["code"])
        ]
    mailed = await request_change(storefront, token)

    right = await storefront.refusals_of("confirmEmailChange", bearer=token, code=mailed["code"])

    assert right == [("TOKEN_INVALID", ["code"])]
    await storefront.succeed("confirmEmailChange", token=mailed["token"])


async def test_a_second_click_changes_nothing_and_is_answered_alike(storefront: Storefront) -> None:
    token = await storefront.register_verified(ANN)
    mailed = await request_change(storefront, token)

    await storefront.succeed("confirmEmailChange", token=mailed["token"])
    before = await storefront.shop.counts()
    await storefront.succeed("confirmEmailChange", token=mailed["token"])

    after = await storefront.shop.counts()
    assert {**after, "audit_events": 0} == {**before, "audit_events": 0}
    assert (await storefront.me(token)).data["me"]["email"] == EVE


async def test_expired_and_wrong_tokens_change_nothing(storefront: Storefront) -> None:
    token = await storefront.register_verified(ANN)
    mailed = await request_change(storefront, token)
    await let_expire(storefront.shop)

    assert await storefront.refusals_of("confirmEmailChange", token=mailed["token"]) == [("TOKEN_EXPIRED", ["token"])]
    assert await storefront.refusals_of("confirmEmailChange", token="ec_never") == [("TOKEN_INVALID", ["token"])]
    assert await storefront.refusals_of("undoEmailChange", token="eu_never") == [("TOKEN_INVALID", ["token"])]
    assert (await storefront.me(token)).data["me"]["email"] == ANN


async def test_a_guest_cannot_request_a_change(storefront: Storefront) -> None:
    answer = await storefront.mutate("requestEmailChange", newEmail=EVE, password=PASSWORD)

    assert answer.codes == ["UNAUTHENTICATED"]


UPSERT = """mutation ($input: UpsertCustomerInput!) {
    upsertCustomer(input: $input) { customer { id } userErrors { code field message } } }"""


async def test_a_proven_address_is_reserved_while_the_change_can_be_undone(shop: Shop) -> None:
    easy = Storefront(shop, shop.organization)
    token = (await easy.register(ANN)).payload("register")["tokens"]["accessToken"]
    await easy.succeed("verifyEmail", token=(await easy.mail_values("VERIFY_EMAIL", ANN))["token"])
    bob = (await easy.register("bob@example.org")).payload("register")["tokens"]["accessToken"]
    await change(easy, token)
    staff = await shop.integration()
    order = {"email": ANN, "number": "1", "total": {"amount": "10.00", "currencyCode": "CHF"}, "itemCount": 1}
    (await shop.ask("RecordOrder", token=staff, input=order)).payload("recordOrder")

    # Nobody else gets it, and what is ordered with it is not shown to who moved it away.
    refused = await easy.elsewhere().register(ANN, NEW_PASSWORD)
    assert refused.refusals("register") == [("EMAIL_TAKEN", ["email"])]
    upserted = await shop.ask(UPSERT, token=staff, input={"email": ANN})
    assert upserted.refusals("upsertCustomer") == [("EMAIL_TAKEN", ["email"])]
    mailed = await request_change(easy, bob, ANN)
    assert await easy.refusals_of("confirmEmailChange", token=mailed["token"]) == [("EMAIL_TAKEN", ["token"])]
    assert (await shop.ask("{ me { orders { totalCount } } }", token=token)).data["me"]["orders"]["totalCount"] == 0

    await easy.succeed("undoEmailChange", token=(await easy.mail_values("EMAIL_CHANGED", ANN))["token"])

    await choose_password(easy, ANN)
    again = await easy.token(ANN, NEW_PASSWORD)
    assert (await shop.ask("{ me { orders { totalCount } } }", token=again)).data["me"]["orders"]["totalCount"] == 1
    assert (await easy.me(bob)).data["me"]["email"] == "bob@example.org"


async def test_a_reserved_address_is_free_once_the_change_cannot_be_undone(shop: Shop) -> None:
    easy = Storefront(shop, shop.organization)
    token = (await easy.register(ANN)).payload("register")["tokens"]["accessToken"]
    await easy.succeed("verifyEmail", token=(await easy.mail_values("VERIFY_EMAIL", ANN))["token"])
    await change(easy, token)
    await let_expire(shop)

    assert (await easy.elsewhere().register(ANN, NEW_PASSWORD)).payload("register")["tokens"]

    undo = (await easy.mail_values("EMAIL_CHANGED", ANN))["token"]
    assert await easy.refusals_of("undoEmailChange", token=undo) == [("TOKEN_EXPIRED", ["token"])]
    assert (await easy.me(token)).data["me"]["email"] == EVE


async def test_the_orders_of_a_guest_become_those_of_who_proves_the_address(shop: Shop) -> None:
    easy = Storefront(shop, shop.organization)
    bob = (await easy.register("bob@example.org")).payload("register")["tokens"]["accessToken"]
    staff = await shop.integration()
    guest = (await shop.ask(UPSERT, token=staff, input={"email": ANN})).payload("upsertCustomer")["customer"]["id"]
    for number, buyer in (("1", {"customerId": guest}), ("2", {"email": ANN}), ("3", {"email": EVE})):
        order = {**buyer, "number": number, "total": {"amount": "10.00", "currencyCode": "CHF"}, "itemCount": 1}
        (await shop.ask("RecordOrder", token=staff, input=order)).payload("recordOrder")

    mailed = await request_change(easy, bob, ANN)
    await easy.succeed("confirmEmailChange", token=mailed["token"])

    answer = (await shop.ask("{ me { email status orders { nodes { number } } } }", token=bob)).data["me"]
    assert answer["email"] == ANN
    assert answer["status"] == "REPEAT"
    assert sorted(one["number"] for one in answer["orders"]["nodes"]) == ["1", "2"]
    left = await shop.ask(
        "query ($id: ID!) { customer(by: {id: $id}) { email status orders { totalCount } } }", token=staff, id=guest
    )
    assert left.data["customer"] == {"email": None, "status": "PROSPECT", "orders": {"totalCount": 0}}


@pytest.mark.parametrize("request_mail", ["requestPasswordReset", "requestLoginNameReminder"])
async def test_a_link_asked_for_while_the_address_changes_does_not_go_to_the_old_one(
    storefront: Storefront, monkeypatch: pytest.MonkeyPatch, request_mail: str
) -> None:
    token = await storefront.register_verified(ANN)
    mailed = await request_change(storefront, token)

    async def find_and_change(*arguments: Any, **named: Any) -> Any:
        found = await find_mail_recipient(*arguments, **named)
        await storefront.succeed("confirmEmailChange", token=mailed["token"])
        return found

    monkeypatch.setattr("app.accounts.confirmations.api.find_mail_recipient", find_and_change)
    await storefront.succeed(request_mail, email=ANN)

    to_ann = [template for template, to in await storefront.mail_kinds() if to == ANN]
    assert to_ann == ["VERIFY_EMAIL", "EMAIL_CHANGED"]
    assert (await storefront.me(token)).data["me"]["email"] == EVE


async def changed_twice(storefront: Storefront) -> None:
    """By somebody who knows the password of Ann's account: to one mailbox of theirs, and to another one."""
    token = await storefront.register_verified(ANN)
    await change(storefront, token, "eve1@example.org")
    await change(storefront, token, "eve2@example.org")


async def test_the_undo_of_a_later_change_leaves_the_first_owner_the_way_back(storefront: Storefront) -> None:
    await changed_twice(storefront)
    first = (await storefront.mail_values("EMAIL_CHANGED", ANN))["token"]
    later = (await storefront.mail_values("EMAIL_CHANGED", "eve1@example.org"))["token"]

    await storefront.succeed("undoEmailChange", token=later)
    await choose_password(storefront, "eve1@example.org")
    thief = await storefront.token("eve1@example.org", NEW_PASSWORD)
    await storefront.succeed("undoEmailChange", token=first)

    assert (await storefront.me(thief)).codes == ["UNAUTHENTICATED"]
    await choose_password(storefront, ANN)
    assert (await storefront.me(await storefront.token(ANN, NEW_PASSWORD))).data["me"]["email"] == ANN


async def test_nobody_crowds_out_the_first_owners_way_back(storefront: Storefront) -> None:
    token = await storefront.register_verified(ANN)
    for number in range(5):
        await change(storefront, token, f"eve{number}@example.org")
    mailed = await request_change(storefront, token, "eve5@example.org")

    refused = await storefront.refusals_of("confirmEmailChange", token=mailed["token"])

    assert refused == [("LIMIT_REACHED", ["token"])]
    await storefront.succeed("undoEmailChange", token=(await storefront.mail_values("EMAIL_CHANGED", ANN))["token"])
    await choose_password(storefront, ANN)
    assert (await storefront.me(await storefront.token(ANN, NEW_PASSWORD))).data["me"]["email"] == ANN


SET_EMAIL = "mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { userErrors { code field } } }"


async def test_what_the_shop_repaired_nobody_undoes(storefront: Storefront) -> None:
    await changed_twice(storefront)
    first = (await storefront.mail_values("EMAIL_CHANGED", ANN))["token"]
    later = (await storefront.mail_values("EMAIL_CHANGED", "eve1@example.org"))["token"]
    shop, organization = storefront.shop, storefront.organization
    staff = await shop.integration(organization=organization)
    found = "query ($email: String!) { customer(by: { email: $email }) { id email } }"
    answer = await shop.ask(found, token=staff, organization=organization, email="eve2@example.org")
    customer = answer.data["customer"]
    given = {"customerId": customer["id"], "email": ANN}
    (await shop.ask(SET_EMAIL, token=staff, organization=organization, input=given)).payload("updateCustomer")

    for token in (later, first):
        assert await storefront.refusals_of("undoEmailChange", token=token) == [("TOKEN_INVALID", ["token"])]
    repaired = (await shop.ask(found, token=staff, organization=organization, email=ANN)).data["customer"]
    assert repaired == {"id": customer["id"], "email": ANN}


END = "mutation ($id: ID!) { endSession(input: { id: $id }) { session { id } userErrors { code field } } }"
SESSIONS = "{ me { sessions(active: true) { nodes { id current } } } }"


async def test_ending_a_strange_session_voids_the_change_that_it_asked_for(storefront: Storefront) -> None:
    strange = await storefront.register_verified(ANN)
    mine = await storefront.token(ANN)
    mailed = await request_change(storefront, strange)
    shop, organization = storefront.shop, storefront.organization
    nodes = (await shop.ask(SESSIONS, token=mine, organization=organization)).data["me"]["sessions"]["nodes"]
    own = next(one for one in nodes if one["current"])

    # Who logs out may still confirm what they asked for.
    for strange_one in nodes:
        if strange_one is not own:
            (await shop.ask(END, token=mine, organization=organization, id=strange_one["id"])).payload("endSession")

    assert await storefront.refusals_of("confirmEmailChange", token=mailed["token"]) == [("TOKEN_INVALID", ["token"])]
    assert (await storefront.me(mine)).data["me"]["email"] == ANN
    again = await request_change(storefront, mine)
    (await shop.ask(END, token=mine, organization=organization, id=own["id"])).payload("endSession")
    await storefront.succeed("confirmEmailChange", token=again["token"])


async def test_a_token_that_is_used_twice_voids_a_change_that_was_asked_for(storefront: Storefront) -> None:
    (await storefront.register(ANN)).payload("register")
    await storefront.succeed("verifyEmail", token=(await storefront.mail_values("VERIFY_EMAIL", ANN))["token"])
    tokens = (await storefront.login(ANN)).payload("login")["tokens"]
    mailed = await request_change(storefront, tokens["accessToken"])
    shop, organization = storefront.shop, storefront.organization
    newer = (await shop.ask("RefreshToken", organization=organization, refreshToken=tokens["refreshToken"])).payload(
        "refreshToken"
    )["tokens"]
    await shop.ask("RefreshToken", organization=organization, refreshToken=newer["refreshToken"])
    await storefront.let_grace_pass()
    await shop.ask("RefreshToken", organization=organization, refreshToken=tokens["refreshToken"])

    assert await storefront.refusals_of("confirmEmailChange", token=mailed["token"]) == [("TOKEN_INVALID", ["token"])]
