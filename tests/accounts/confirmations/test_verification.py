"""Proving an address: by link or code, once, and the newest claim wins."""

from datetime import timedelta

from sqlmodel import update

from app.accounts.organizations.tables import Organization
from app.identity.proofs.repository import CODE_TRIES
from app.identity.proofs.tables import Proof
from app.platform.clock import now
from tests.accounts.confirmations.words import NEW_PASSWORD, Letters
from tests.house import PASSWORD, House

ANN = "ann@example.org"
WRONG = [("INVALID_CREDENTIALS", None)]


def other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


async def let_expire(house: House) -> None:
    async with house.patron.store.database.transaction() as session:
        await session.exec(update(Proof).values(expires_at=now() - timedelta(seconds=1)))


async def test_a_token_proves_an_address_once(letters: Letters) -> None:
    await letters.register(ANN, firstName="Ann")
    token = (await letters.last("VERIFY_EMAIL", ANN))["token"]

    await letters.done("verifyEmail", token=token)

    assert (await letters.me(await letters.token(ANN))).data["me"]["firstName"] == "Ann"
    assert await letters.refused("verifyEmail", token=token) == [("TOKEN_INVALID", ["token"])]
    assert (await letters.house.audit())[:2] == ["customer.registered", "customer.email_verified"]


async def test_a_code_proves_an_address_too(letters: Letters) -> None:
    await letters.register(ANN)
    code = (await letters.last("VERIFY_EMAIL", ANN))["code"]

    await letters.done("verifyEmail", email=ANN.upper(), code=f" {code[:3]} {code[3:]}")

    await letters.token(ANN)


async def test_a_code_cannot_be_guessed_for_long(letters: Letters) -> None:
    await letters.register(ANN)
    mailed = await letters.last("VERIFY_EMAIL", ANN)

    for _ in range(CODE_TRIES):
        given = {"email": ANN, "code": other(mailed["code"])}
        assert await letters.refused("verifyEmail", **given) == [("TOKEN_INVALID", ["code"])]

    assert await letters.refused("verifyEmail", email=ANN, code=mailed["code"]) == [("TOKEN_INVALID", ["code"])]
    assert (await letters.login(ANN)).refusals("login") == WRONG
    await letters.done("verifyEmail", token=mailed["token"])


async def test_what_expired_is_told_apart_from_what_never_was(letters: Letters) -> None:
    await letters.register(ANN)
    mailed = await letters.last("VERIFY_EMAIL", ANN)
    await let_expire(letters.house)

    assert await letters.refused("verifyEmail", token=mailed["token"]) == [("TOKEN_EXPIRED", ["token"])]
    assert await letters.refused("verifyEmail", email=ANN, code=mailed["code"]) == [("TOKEN_EXPIRED", ["code"])]
    assert await letters.refused("verifyEmail", token="ve_never") == [("TOKEN_INVALID", ["token"])]
    assert (await letters.login(ANN)).refusals("login") == WRONG


async def test_what_is_missing_is_named(letters: Letters) -> None:
    assert await letters.refused("verifyEmail") == [("REQUIRED", ["token"])]
    assert await letters.refused("verifyEmail", code="123456") == [("REQUIRED", ["email"])]
    assert await letters.refused("verifyEmail", email="ann") == [("INVALID", ["email"]), ("REQUIRED", ["code"])]
    assert await letters.refused("requestEmailVerification", email="ann") == [("INVALID", ["email"])]


async def test_a_new_mail_voids_the_older_link_and_keeps_what_was_claimed(letters: Letters) -> None:
    await letters.register(ANN, firstName="Ann")
    older = (await letters.last("VERIFY_EMAIL", ANN))["token"]

    await letters.done("requestEmailVerification", email=ANN)

    assert await letters.refused("verifyEmail", token=older) == [("TOKEN_INVALID", ["token"])]
    await letters.done("verifyEmail", token=(await letters.last("VERIFY_EMAIL", ANN))["token"])
    assert (await letters.me(await letters.token(ANN))).data["me"]["firstName"] == "Ann"


async def test_a_proven_address_gets_no_further_mail_to_prove_it(letters: Letters) -> None:
    await letters.member(ANN)
    before = await letters.kinds()

    await letters.done("requestEmailVerification", email=ANN)

    assert await letters.kinds() == before


async def test_who_registered_an_address_first_cannot_keep_it_from_its_owner(letters: Letters) -> None:
    await letters.register(ANN, "the attacker's own words", firstName="Eve", phone="+41446681800")
    await letters.register(ANN, PASSWORD, firstName="Ann")

    await letters.done("verifyEmail", token=(await letters.last("VERIFY_EMAIL", ANN))["token"])

    me = (await letters.me(await letters.token(ANN))).data["me"]
    assert (me["firstName"], me["phone"]) == ("Ann", None)
    assert (await letters.login(ANN, "the attacker's own words")).refusals("login") == WRONG
    assert await letters.house.count("customers") == 1


async def test_a_password_and_sessions_from_before_the_proof_are_void(letters: Letters) -> None:
    easy = await letters.house.open_shop("easy", require_verified_email=False)
    lax = Letters(letters.house, easy)
    thief = (await lax.register(ANN)).payload("register")["tokens"]["accessToken"]
    async with letters.house.patron.store.database.transaction() as session:
        organization = await session.get_one(Organization, easy.id)
        organization.settings = {"require_verified_email": True}
        session.add(organization)

    await lax.register(ANN, NEW_PASSWORD)
    await lax.done("verifyEmail", token=(await lax.last("VERIFY_EMAIL", ANN))["token"])

    assert (await lax.me(thief)).status == 401
    assert (await lax.login(ANN)).refusals("login") == WRONG
    await lax.token(ANN, NEW_PASSWORD)


async def test_a_proven_account_is_not_changed_by_a_later_registration_and_its_owner_is_told(letters: Letters) -> None:
    token = await letters.member(ANN)

    again = (await letters.register(ANN, NEW_PASSWORD, firstName="Eve")).payload("register")

    assert again["nextStep"] == "VERIFY_EMAIL"
    assert (await letters.kinds())[-1] == ("ALREADY_REGISTERED", ANN)
    assert (await letters.me(token)).data["me"]["firstName"] is None
    assert (await letters.login(ANN, NEW_PASSWORD)).refusals("login") == WRONG
    await letters.token(ANN)


async def test_a_guests_record_is_taken_over_once_the_address_is_proven(letters: Letters) -> None:
    await letters.register(ANN, None, firstName="Ann", lastName="Archer")
    await letters.done("verifyEmail", token=(await letters.last("VERIFY_EMAIL", ANN))["token"])
    staff = await letters.house.staff(shop=letters.shop)
    guest = (await letters.house.ask("CustomerByEmail", token=staff, email=ANN)).data["customer"]
    assert guest["hasPassword"] is False

    await letters.register(ANN, PASSWORD, firstName="Anna")
    assert (await letters.login(ANN)).refusals("login") == WRONG
    await letters.done("verifyEmail", token=(await letters.last("VERIFY_EMAIL", ANN))["token"])

    me = (await letters.me(await letters.token(ANN))).data["me"]
    assert (me["id"], me["firstName"], me["lastName"]) == (guest["id"], "Anna", "Archer")


async def test_a_guests_record_waits_for_the_proof_also_where_people_are_let_in_at_once(house: House) -> None:
    easy = Letters(house, house.shop)
    guest = (await easy.register(ANN, None)).payload("register")
    assert guest["nextStep"] == "DONE"

    claimed = (await easy.register(ANN, PASSWORD)).payload("register")

    assert (claimed["nextStep"], claimed["tokens"]) == ("VERIFY_EMAIL", None)
    assert (await easy.login(ANN)).refusals("login") == WRONG
    await easy.done("verifyEmail", token=(await easy.last("VERIFY_EMAIL", ANN))["token"])
    assert (await easy.me(await easy.token(ANN))).data["me"]["id"] == guest["customer"]["id"]
    assert (await easy.register(ANN, PASSWORD)).refusals("register") == [("EMAIL_TAKEN", ["email"])]


async def test_where_people_are_let_in_at_once_the_address_can_be_proven_later(house: House) -> None:
    easy = Letters(house, house.shop)
    token = (await easy.register(ANN)).payload("register")["tokens"]["accessToken"]

    await easy.done("verifyEmail", token=(await easy.last("VERIFY_EMAIL", ANN))["token"])

    assert (await easy.me(token)).data["me"]["email"] == ANN
    assert await house.count("customers", "email_verified_at IS NOT NULL") == 1
    before = await house.counts()
    assert (await easy.register(ANN)).refusals("register") == [("EMAIL_TAKEN", ["email"])]
    assert await house.counts() == before


async def test_a_link_of_one_shop_opens_nothing_in_another(letters: Letters) -> None:
    await letters.register(ANN)
    token = (await letters.last("VERIFY_EMAIL", ANN))["token"]

    answer = await letters.do("verifyEmail", shop=letters.house.shop, token=token)

    assert answer.refusals("verifyEmail") == [("TOKEN_INVALID", ["token"])]
    await letters.done("verifyEmail", token=token)


async def test_what_was_ordered_as_a_guest_is_there_once_the_address_is_proven(letters: Letters) -> None:
    shop = letters.shop
    back_office = await letters.house.integration(shop=shop)
    order = {"email": ANN, "number": "1001", "total": {"amount": "10.00", "currencyCode": "CHF"}, "itemCount": 1}
    (await letters.house.ask("RecordOrder", token=back_office, input=order)).payload("recordOrder")
    await letters.register(ANN)

    await letters.done("verifyEmail", token=(await letters.last("VERIFY_EMAIL", ANN))["token"])

    mine = await letters.house.ask("{ me { status orders { nodes { number } } } }", token=await letters.token(ANN))
    assert mine.data["me"] == {"status": "ACQUIRED", "orders": {"nodes": [{"number": "1001"}]}}
