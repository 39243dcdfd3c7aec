"""Tests of email verification by link or code, and of pending registrations of the same address."""

from datetime import timedelta

from app.accounts.organizations.tables import Organization
from app.identity.proofs.repository import MAX_CODE_TRIES
from app.identity.proofs.tables import Proof
from app.platform.clock import now
from tests.accounts.confirmations.storefront import NEW_PASSWORD, Storefront
from tests.shop import PASSWORD, Shop

ANN = "ann@example.org"
WRONG = [("INVALID_CREDENTIALS", None)]


def other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


async def let_expire(shop: Shop) -> None:
    await shop.change(Proof, expires_at=now() - timedelta(seconds=1))


async def test_a_token_proves_an_address_once(storefront: Storefront) -> None:
    await storefront.register(ANN, firstName="Ann")
    token = (await storefront.mail_values("VERIFY_EMAIL", ANN))["token"]

    await storefront.succeed("verifyEmail", token=token)

    assert (await storefront.me(await storefront.token(ANN))).data["me"]["firstName"] == "Ann"
    assert (await storefront.shop.audit())[:2] == ["customer.registered", "customer.email_verified"]


async def test_a_code_proves_an_address_too(storefront: Storefront) -> None:
    await storefront.register(ANN)
    code = (await storefront.mail_values("VERIFY_EMAIL", ANN))["code"]

    await storefront.succeed("verifyEmail", email=ANN.upper(), code=f" {code[:3]} {code[3:]}")

    await storefront.token(ANN)


async def test_a_code_cannot_be_guessed_for_long(storefront: Storefront) -> None:
    await storefront.register(ANN)
    mailed = await storefront.mail_values("VERIFY_EMAIL", ANN)

    for _ in range(MAX_CODE_TRIES):
        given = {"email": ANN, "code": other(mailed["code"])}
        assert await storefront.refusals_of("verifyEmail", **given) == [("TOKEN_INVALID", ["code"])]

    assert await storefront.refusals_of("verifyEmail", email=ANN, code=mailed["code"]) == [("TOKEN_INVALID", ["code"])]
    assert (await storefront.login(ANN)).refusals("login") == WRONG
    await storefront.succeed("verifyEmail", token=mailed["token"])


async def test_an_expired_proof_is_distinguished_from_an_unknown_one(storefront: Storefront) -> None:
    await storefront.register(ANN)
    mailed = await storefront.mail_values("VERIFY_EMAIL", ANN)
    await let_expire(storefront.shop)

    assert await storefront.refusals_of("verifyEmail", token=mailed["token"]) == [("TOKEN_EXPIRED", ["token"])]
    assert await storefront.refusals_of("verifyEmail", email=ANN, code=mailed["code"]) == [("TOKEN_EXPIRED", ["code"])]
    assert await storefront.refusals_of("verifyEmail", token="ve_never") == [("TOKEN_INVALID", ["token"])]
    assert (await storefront.login(ANN)).refusals("login") == WRONG


async def test_a_missing_input_is_named(storefront: Storefront) -> None:
    assert await storefront.refusals_of("verifyEmail") == [("REQUIRED", ["token"])]
    assert await storefront.refusals_of("verifyEmail", code="123456") == [("REQUIRED", ["email"])]
    assert await storefront.refusals_of("verifyEmail", email="ann") == [("INVALID", ["email"]), ("REQUIRED", ["code"])]
    assert await storefront.refusals_of("requestEmailVerification", email="ann") == [("INVALID", ["email"])]


async def test_a_new_mail_leaves_the_older_link_good_and_keeps_what_was_registered(storefront: Storefront) -> None:
    await storefront.register(ANN, firstName="Ann")
    older = (await storefront.mail_values("VERIFY_EMAIL", ANN))["token"]

    await storefront.succeed("requestEmailVerification", email=ANN)
    newer = (await storefront.mail_values("VERIFY_EMAIL", ANN))["token"]
    assert newer != older
    assert (await storefront.shop.audit())[-1] == "customer.email_verification_requested"
    await storefront.succeed("verifyEmail", token=newer)

    assert (await storefront.me(await storefront.token(ANN))).data["me"]["firstName"] == "Ann"
    assert await storefront.refusals_of("verifyEmail", token=older) == [("TOKEN_INVALID", ["token"])]


async def test_a_proven_address_gets_no_further_mail_to_prove_it(storefront: Storefront) -> None:
    await storefront.register_verified(ANN)
    before = await storefront.mail_kinds()

    await storefront.succeed("requestEmailVerification", email=ANN)

    assert await storefront.mail_kinds() == before


async def test_who_registered_an_address_first_cannot_keep_it_from_its_owner(storefront: Storefront) -> None:
    await storefront.register(ANN, "the attacker's own words", firstName="Eve", phone="+41446681800")
    await storefront.register(ANN, PASSWORD, firstName="Ann")

    await storefront.succeed("verifyEmail", token=(await storefront.mail_values("VERIFY_EMAIL", ANN))["token"])

    me = (await storefront.me(await storefront.token(ANN))).data["me"]
    assert (me["firstName"], me["phone"]) == ("Ann", None)
    assert (await storefront.login(ANN, "the attacker's own words")).refusals("login") == WRONG
    assert await storefront.shop.count("customers") == 1


async def test_a_password_and_sessions_from_before_the_proof_are_void(storefront: Storefront) -> None:
    easy = await storefront.shop.create_organization("easy", require_verified_email=False)
    lax = Storefront(storefront.shop, easy)
    thief = (await lax.register(ANN)).payload("register")["tokens"]["accessToken"]
    async with storefront.shop.runtime.store.database.transaction() as session:
        organization = await session.get_one(Organization, easy.id)
        organization.settings = {"require_verified_email": True}
        session.add(organization)

    await lax.register(ANN, NEW_PASSWORD)
    await lax.succeed("verifyEmail", token=(await lax.mail_values("VERIFY_EMAIL", ANN))["token"])

    assert (await lax.me(thief)).status == 401
    assert (await lax.login(ANN)).refusals("login") == WRONG
    await lax.token(ANN, NEW_PASSWORD)


async def test_a_proven_account_is_not_changed_by_a_later_registration_and_its_owner_is_notified(
    storefront: Storefront,
) -> None:
    token = await storefront.register_verified(ANN)

    again = (await storefront.register(ANN, NEW_PASSWORD, firstName="Eve")).payload("register")

    assert again["nextStep"] == "VERIFY_EMAIL"
    assert (await storefront.mail_kinds())[-1] == ("ALREADY_REGISTERED", ANN)
    assert (await storefront.me(token)).data["me"]["firstName"] is None
    assert (await storefront.login(ANN, NEW_PASSWORD)).refusals("login") == WRONG
    await storefront.token(ANN)


async def test_a_guests_record_is_taken_over_once_the_address_is_proven(storefront: Storefront) -> None:
    await storefront.register(ANN, None, firstName="Ann", lastName="Archer")
    await storefront.succeed("verifyEmail", token=(await storefront.mail_values("VERIFY_EMAIL", ANN))["token"])
    staff = await storefront.shop.staff(organization=storefront.organization)
    guest = (await storefront.shop.ask("CustomerByEmail", token=staff, email=ANN)).data["customer"]
    assert guest["hasPassword"] is False

    await storefront.register(ANN, PASSWORD, firstName="Anna")
    assert (await storefront.login(ANN)).refusals("login") == WRONG
    await storefront.succeed("verifyEmail", token=(await storefront.mail_values("VERIFY_EMAIL", ANN))["token"])

    me = (await storefront.me(await storefront.token(ANN))).data["me"]
    assert (me["id"], me["firstName"], me["lastName"]) == (guest["id"], "Anna", "Archer")


async def test_a_guests_record_waits_for_the_proof_also_without_required_verification(shop: Shop) -> None:
    easy = Storefront(shop, shop.organization)
    guest = (await easy.register(ANN, None)).payload("register")
    assert guest["nextStep"] == "DONE"

    claimed = (await easy.register(ANN, PASSWORD)).payload("register")

    assert (claimed["nextStep"], claimed["tokens"]) == ("VERIFY_EMAIL", None)
    assert (await easy.login(ANN)).refusals("login") == WRONG
    await easy.succeed("verifyEmail", token=(await easy.mail_values("VERIFY_EMAIL", ANN))["token"])
    assert (await easy.me(await easy.token(ANN))).data["me"]["id"] == guest["customer"]["id"]
    assert (await easy.register(ANN, PASSWORD)).refusals("register") == [("EMAIL_TAKEN", ["email"])]


async def test_without_required_verification_the_address_can_be_proven_later(shop: Shop) -> None:
    easy = Storefront(shop, shop.organization)
    token = (await easy.register(ANN)).payload("register")["tokens"]["accessToken"]

    await easy.succeed("verifyEmail", token=(await easy.mail_values("VERIFY_EMAIL", ANN))["token"])

    assert (await easy.me(token)).data["me"]["email"] == ANN
    assert await shop.count("customers", "email_verified_at IS NOT NULL") == 1
    before = await shop.counts()
    assert (await easy.register(ANN)).refusals("register") == [("EMAIL_TAKEN", ["email"])]
    assert await shop.counts() == before


async def test_a_link_of_one_organization_is_invalid_in_another(storefront: Storefront) -> None:
    await storefront.register(ANN)
    token = (await storefront.mail_values("VERIFY_EMAIL", ANN))["token"]

    answer = await storefront.mutate("verifyEmail", organization=storefront.shop.organization, token=token)

    assert answer.refusals("verifyEmail") == [("TOKEN_INVALID", ["token"])]
    await storefront.succeed("verifyEmail", token=token)


async def test_what_was_ordered_as_a_guest_is_there_once_the_address_is_proven(storefront: Storefront) -> None:
    organization = storefront.organization
    back_office = await storefront.shop.integration(organization=organization)
    order = {"email": ANN, "number": "1001", "total": {"amount": "10.00", "currencyCode": "CHF"}, "itemCount": 1}
    (await storefront.shop.ask("RecordOrder", token=back_office, input=order)).payload("recordOrder")
    await storefront.register(ANN)

    await storefront.succeed("verifyEmail", token=(await storefront.mail_values("VERIFY_EMAIL", ANN))["token"])

    mine = await storefront.shop.ask("{ me { status orders { nodes { number } } } }", token=await storefront.token(ANN))
    assert mine.data["me"] == {"status": "ACQUIRED", "orders": {"nodes": [{"number": "1001"}]}}
