"""Every cell of docs/decisions/0021: who holds an address, who acts, and what that does."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.accounts.confirmations.storefront import NEW_PASSWORD, Storefront
from tests.shop import PASSWORD, Shop

V, BOB = "vera@example.org", "bob@example.org"
STRANGERS = "the stranger's own words"
HOME = {"firstName": "Vera", "lastName": "Vogel", "line1": "Limmatquai 1", "postalCode": "8001", "city": "Zürich"}
TYPED_BY_OWNER: dict[str, Any] = {
    "firstName": "Vera",
    "phone": "+41446681800",
    "loginName": "vera-vogel",
    "acceptTerms": True,
    "newsletter": True,
    "address": {**HOME, "country": "CH"},
}
TYPED_BY_STRANGER: dict[str, Any] = {
    "firstName": "Eve",
    "phone": "+41446681801",
    "loginName": "eve-enters",
    "acceptTerms": True,
    "address": {**HOME, "line1": "Hehlergasse 2", "country": "CH"},
}
PROOFS = {"VERIFY_EMAIL", "ALREADY_REGISTERED", "RESET_PASSWORD", "PASSWORD_CHANGED"}
ORDER = {"total": {"amount": "10.00", "currencyCode": "CHF"}, "itemCount": 1}
VERIFY = """mutation ($input: VerifyEmailInput!) { verifyEmail(input: $input) {
    email nextStep passwordToken tokens { accessToken } customer { id } userErrors { code field } } }"""
RESET = """mutation ($input: ResetPasswordInput!) {
    resetPassword(input: $input) { nextStep userErrors { code field } } }"""
SHOWN = """query ($email: String!) { customer(by: { email: $email }) {
    id hasPassword firstName phone loginName newsletter termsAcceptance { version }
    addresses { line1 } orders { nodes { number } } } }"""
FORGET = """mutation ($input: RequestAnonymizationInput!) {
    requestAnonymization(input: $input) { userErrors { code } } }"""
UPSERT = """mutation ($input: UpsertCustomerInput!) { upsertCustomer(input: $input) { userErrors { code } } }"""


@dataclass
class World:
    """A shop, the owner of an address in one browser, a stranger in another, and a bystander with the same things."""

    shop: Shop
    owner: Storefront
    stranger: Storefront
    staff: str
    sessions: dict[str, str] = field(default_factory=dict)
    answer: dict[str, Any] = field(default_factory=dict)

    @property
    def elsewhere(self) -> Storefront:
        """The owner's telephone."""
        return self.owner.elsewhere()

    async def register(self, who: str, **typed: Any) -> None:
        browser = self.owner if who == "owner" else self.stranger
        password = PASSWORD if who == "owner" else STRANGERS
        answer = await browser.register(V, password, **typed)
        if answer.body["data"]["register"]["tokens"]:
            self.sessions[who] = answer.body["data"]["register"]["tokens"]["accessToken"]
        self.answer = answer.body["data"]["register"]

    async def verify(self, browser: Storefront, *, newest: bool = True, bearer: str | None = None) -> None:
        mails = [mail for mail in await self.owner.mails() if (mail["template"], mail["to"]) == ("VERIFY_EMAIL", V)]
        given = {"token": mails[-1 if newest else 0]["values"]["token"]}
        if V in browser.registration_tokens:
            given["registrationToken"] = browser.registration_tokens[V]
        answer = await self.shop.ask(VERIFY, organization=browser.organization, token=bearer, input=given)
        self.answer = answer.data["verifyEmail"]

    async def reset(self, browser: Storefront, token: str | None = None, **more: Any) -> None:
        if token is None:
            await browser.succeed("requestPasswordReset", email=V)
            token = (await browser.mail_values("RESET_PASSWORD", V))["token"]
        if V in browser.registration_tokens:
            more["registrationToken"] = browser.registration_tokens[V]
        given = {"token": token, "password": NEW_PASSWORD, "passwordConfirmation": NEW_PASSWORD, **more}
        self.answer = (await self.shop.ask(RESET, organization=browser.organization, input=given)).data["resetPassword"]

    async def shown(self, email: str = V) -> dict[str, Any] | None:
        found: dict[str, Any] | None = (await self.shop.ask(SHOWN, token=self.staff, email=email)).data["customer"]
        return found

    async def passwords(self) -> set[str]:
        """Whose passwords log in."""
        known = {"owner": PASSWORD, "stranger": STRANGERS, "new": NEW_PASSWORD}
        return {
            who
            for who, password in known.items()
            if (await self.owner.login(V, password)).body["data"]["login"]["tokens"]
        }

    async def living_sessions(self) -> set[str]:
        return {who for who, token in self.sessions.items() if (await self.owner.me(token)).status == 200}


async def world(shop: Shop, *, verified: bool) -> World:
    organization = await shop.create_organization("careful", require_verified_email=verified, terms_version="3")
    owner = Storefront(shop, organization)
    staff = await shop.integration(organization=organization)
    made = World(shop, owner, owner.elsewhere(), staff)
    bystander = owner.elsewhere()
    for email, number in ((V, "V-1"), (BOB, "B-1")):
        order = {**ORDER, "email": email, "number": number}
        (await shop.ask("RecordOrder", token=staff, input=order)).payload("recordOrder")
    typed = {**TYPED_BY_OWNER, "firstName": "Bob", "loginName": "bob-archer"}
    (await bystander.register(BOB, PASSWORD, **typed)).payload("register")
    if verified:
        await bystander.succeed("verifyEmail", token=(await bystander.mail_values("VERIFY_EMAIL", BOB))["token"])
    # Another proof of the bystander is open all the while.
    await bystander.succeed("requestPasswordReset", email=BOB)
    made.sessions["bob"] = await bystander.token(BOB)
    return made


def kept(name: str | None, **more: Any) -> dict[str, Any]:
    """What the back office sees of the customer who has the address."""
    nothing = {"firstName": name, "phone": None, "loginName": None, "newsletter": False, "termsAcceptance": None}
    return {**nothing, "addresses": [], "orders": ["V-1"], **more}


ALL_OF_OWNER = kept(
    "Vera",
    phone="+41446681800",
    loginName="vera-vogel",
    newsletter=True,
    termsAcceptance={"version": "3"},
    addresses=["Limmatquai 1"],
)
NAMES_OF_OWNER = {**ALL_OF_OWNER, "phone": None, "addresses": []}
NAMES_OF_STRANGER = kept("Eve", loginName="eve-enters", termsAcceptance={"version": "3"})
NOTHING = kept(None)
Act = Callable[[World], Awaitable[None]]


@dataclass(frozen=True)
class Cell:
    """One cell: the state, the act, and what it leads to."""

    name: str
    verified: bool
    acts: tuple[Act, ...]
    next_step: str | None
    passwords: frozenset[str]
    sessions: frozenset[str]
    shown: dict[str, Any] | None
    mails: tuple[str, ...]


def registers(who: str, **typed: Any) -> Act:
    return lambda world: world.register(who, **(typed or (TYPED_BY_OWNER if who == "owner" else TYPED_BY_STRANGER)))


async def same_browser_verifies(world: World) -> None:
    await world.verify(world.owner)


async def same_browser_verifies_with_the_first_link(world: World) -> None:
    await world.verify(world.owner, newest=False)


async def telephone_verifies(world: World) -> None:
    await world.verify(world.elsewhere)


async def telephone_verifies_and_chooses(world: World) -> None:
    await world.verify(world.elsewhere)
    assert world.answer["nextStep"] == "CHOOSE_PASSWORD"
    await world.reset(world.elsewhere, world.answer["passwordToken"], acceptTerms=True)


async def session_verifies(world: World) -> None:
    await world.verify(world.elsewhere, bearer=world.sessions["owner"])


async def same_browser_resets(world: World) -> None:
    await world.reset(world.owner, acceptTerms=True)


async def telephone_resets(world: World) -> None:
    await world.reset(world.elsewhere, acceptTerms=True)


async def telephone_resets_without_terms(world: World) -> None:
    await world.reset(world.elsewhere)


async def shop_upserts(world: World) -> None:
    given = {"email": V, "firstName": "Vera", "phone": "+41446681800"}
    (await world.shop.ask(UPSERT, token=world.staff, input=given)).payload("upsertCustomer")


async def guest_verifies(world: World) -> None:
    await world.owner.succeed("requestEmailVerification", email=V)
    await world.verify(world.elsewhere)


async def is_forgotten(world: World) -> None:
    from app.privacy.erasure import erase_due  # noqa: PLC0415 - the worker's part

    found = await world.shown()
    assert found
    person = await world.shop.staff(organization=world.owner.organization)
    (await world.shop.ask(FORGET, token=person, input={"customerId": found["id"]})).payload("requestAnonymization")
    assert await erase_due(world.shop.runtime.store) == 1


def strict(name: str, acts: tuple[Act, ...], next_step: str | None, *outcome: Any) -> Cell:
    """Where addresses have to be proven; the outcome is passwords, sessions, what is shown, and mails."""
    passwords, sessions, shown, *mails = outcome
    return Cell(
        name,
        acts=acts,
        next_step=next_step,
        passwords=frozenset(passwords.split()),
        sessions=frozenset(sessions.split()),
        shown=shown,
        mails=tuple(mails),
        verified=True,
    )


def lax(name: str, acts: tuple[Act, ...], next_step: str | None, *outcome: Any) -> Cell:
    """Where whoever registers is in."""
    return replace(strict(name, acts, next_step, *outcome), verified=False)


OWNER, STRANGER = registers("owner"), registers("stranger")
SENT = "VERIFY_EMAIL"
GUEST = kept("Vera", phone="+41446681800")
CELLS = [
    # Addresses have to be proven: registrations are pending.
    strict("nobody, registered", (OWNER,), "VERIFY_EMAIL", "", "", {**NOTHING, "orders": []}, SENT),
    strict("pending, same browser", (OWNER, same_browser_verifies), "DONE", "owner", "", ALL_OF_OWNER, SENT),
    strict("pending, telephone", (OWNER, telephone_verifies), "CHOOSE_PASSWORD", "", "", NAMES_OF_OWNER, SENT),
    strict(
        "pending, telephone, password chosen",
        (OWNER, telephone_verifies_and_chooses),
        "LOG_IN",
        "new",
        "",
        NAMES_OF_OWNER,
        SENT,
        "PASSWORD_CHANGED",
    ),
    strict(
        "pending of a stranger",
        (STRANGER, telephone_verifies),
        "CHOOSE_PASSWORD",
        "",
        "",
        NAMES_OF_STRANGER,
        SENT,
    ),
    strict(
        "two pending, same browser",
        (OWNER, STRANGER, same_browser_verifies),
        "DONE",
        "owner",
        "",
        ALL_OF_OWNER,
        SENT,
        SENT,
    ),
    strict(
        "two pending, same browser, first link",
        (OWNER, STRANGER, same_browser_verifies_with_the_first_link),
        "DONE",
        "owner",
        "",
        ALL_OF_OWNER,
        SENT,
        SENT,
    ),
    strict(
        "two pending, stranger first",
        (STRANGER, OWNER, same_browser_verifies),
        "DONE",
        "owner",
        "",
        ALL_OF_OWNER,
        SENT,
        SENT,
    ),
    strict(
        "two pending, telephone",
        (OWNER, STRANGER, telephone_verifies),
        "CHOOSE_PASSWORD",
        "",
        "",
        NOTHING,
        SENT,
        SENT,
    ),
    strict(
        "pending, reset on the telephone",
        (OWNER, telephone_resets_without_terms),
        "LOG_IN",
        "new",
        "",
        NAMES_OF_OWNER,
        SENT,
        "RESET_PASSWORD",
        "PASSWORD_CHANGED",
    ),
    strict(
        "pending, reset in the same browser",
        (OWNER, same_browser_resets),
        "LOG_IN",
        "new",
        "",
        ALL_OF_OWNER,
        SENT,
        "RESET_PASSWORD",
        "PASSWORD_CHANGED",
    ),
    strict(
        "two pending, reset",
        (OWNER, STRANGER, telephone_resets),
        "LOG_IN",
        "new",
        "",
        {**NOTHING, "termsAcceptance": {"version": "3"}},
        SENT,
        SENT,
        "RESET_PASSWORD",
        "PASSWORD_CHANGED",
    ),
    strict(
        "proven, registered again",
        (OWNER, same_browser_verifies, STRANGER),
        "VERIFY_EMAIL",
        "owner",
        "",
        ALL_OF_OWNER,
        SENT,
        "ALREADY_REGISTERED",
    ),
    strict(
        "proven, reset",
        (OWNER, same_browser_verifies, telephone_resets_without_terms),
        "LOG_IN",
        "new",
        "",
        ALL_OF_OWNER,
        SENT,
        "RESET_PASSWORD",
        "PASSWORD_CHANGED",
    ),
    # Guests of the shop.
    strict("guest, proven", (shop_upserts, guest_verifies), "CHOOSE_PASSWORD", "", "", GUEST, SENT),
    strict(
        "guest, reset without terms",
        (shop_upserts, telephone_resets_without_terms),
        None,
        "",
        "",
        {**GUEST, "orders": []},
        "RESET_PASSWORD",
    ),
    strict(
        "guest, reset",
        (shop_upserts, telephone_resets),
        "LOG_IN",
        "new",
        "",
        {**GUEST, "termsAcceptance": {"version": "3"}},
        "RESET_PASSWORD",
        "PASSWORD_CHANGED",
    ),
    strict(
        "guest, registered, same browser",
        (shop_upserts, OWNER, same_browser_verifies),
        "DONE",
        "owner",
        "",
        ALL_OF_OWNER,
        SENT,
    ),
    strict(
        "proven guest, registered by a stranger",
        (shop_upserts, guest_verifies, STRANGER, telephone_verifies),
        "CHOOSE_PASSWORD",
        "",
        "",
        GUEST,
        SENT,
        SENT,
    ),
    strict(
        "proven guest, same browser",
        (shop_upserts, guest_verifies, OWNER, same_browser_verifies),
        "DONE",
        "owner",
        "",
        ALL_OF_OWNER,
        SENT,
        SENT,
    ),
    strict(
        "erased, registered",
        (OWNER, same_browser_verifies, is_forgotten, STRANGER),
        "VERIFY_EMAIL",
        "",
        "",
        {**NOTHING, "orders": []},
        SENT,
    ),
    # Addresses need no proof: whoever registers is in.
    lax("unproven, just registered", (OWNER,), "DONE", "owner", "owner", {**ALL_OF_OWNER, "orders": []}, SENT),
    lax("unproven, same browser", (OWNER, same_browser_verifies), "DONE", "owner", "owner", ALL_OF_OWNER, SENT),
    lax("unproven, with the session", (OWNER, session_verifies), "DONE", "owner", "owner", ALL_OF_OWNER, SENT),
    lax("unproven, telephone", (OWNER, telephone_verifies), "CHOOSE_PASSWORD", "", "", NOTHING, SENT),
    lax("unproven of a stranger", (STRANGER, telephone_verifies), "CHOOSE_PASSWORD", "", "", NOTHING, SENT),
    lax(
        "unproven of a stranger, reset",
        (STRANGER, telephone_resets),
        "LOG_IN",
        "new",
        "",
        {**NOTHING, "termsAcceptance": {"version": "3"}},
        SENT,
        "RESET_PASSWORD",
        "PASSWORD_CHANGED",
    ),
    lax(
        "unproven, registered again",
        (OWNER, STRANGER),
        None,
        "owner",
        "owner",
        {**ALL_OF_OWNER, "orders": []},
        SENT,
    ),
    lax(
        "proven, registered again at once",
        (OWNER, same_browser_verifies, STRANGER),
        None,
        "owner",
        "owner",
        ALL_OF_OWNER,
        SENT,
    ),
    lax(
        "guest, registered by a stranger",
        (shop_upserts, STRANGER, telephone_verifies),
        "CHOOSE_PASSWORD",
        "",
        "",
        {**NAMES_OF_STRANGER, "phone": "+41446681800"},
        SENT,
    ),
    lax(
        "erased, registered at once",
        (OWNER, same_browser_verifies, is_forgotten, STRANGER),
        "DONE",
        "stranger",
        "stranger",
        {
            **kept(
                "Eve",
                phone="+41446681801",
                loginName="eve-enters",
                termsAcceptance={"version": "3"},
                addresses=["Hehlergasse 2"],
            ),
            "orders": [],
        },
        SENT,
    ),
]


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
async def test_what_becomes_of_an_address(shop: Shop, cell: Cell) -> None:
    here = await world(shop, verified=cell.verified)
    bob = await here.shown(BOB)

    for act in cell.acts:
        await act(here)

    assert here.answer["nextStep"] == cell.next_step, here.answer
    found = await here.shown()
    if found:
        flat = {name: found[name] for name in kept(None)}
        flat["addresses"] = [one["line1"] for one in found["addresses"]]
        flat["orders"] = [one["number"] for one in found["orders"]["nodes"]]
        assert flat == cell.shown
    assert tuple(kind for kind, to in await here.owner.mail_kinds() if to == V and kind in PROOFS) == cell.mails
    assert await here.living_sessions() == cell.sessions | {"bob"}
    assert await here.passwords() == cell.passwords
    assert await here.shown(BOB) == bob
    assert await shop.count("proofs", "purpose = 'RESET_PASSWORD' AND used_at IS NULL") >= 1


async def test_the_registering_browser_is_logged_in_and_any_other_is_told_what_comes_next(shop: Shop) -> None:
    here = await world(shop, verified=True)
    await here.register("owner", **TYPED_BY_OWNER)
    await here.verify(here.owner)
    first = here.answer
    assert (await here.owner.me(first["tokens"]["accessToken"])).data["me"]["id"] == first["customer"]["id"]
    assert (first["email"], first["passwordToken"], first["userErrors"]) == (V, None, [])
    customers = await shop.count("customers")

    # A second click, and then the same link on the telephone.
    await here.verify(here.owner)
    assert (here.answer["nextStep"], here.answer["email"], bool(here.answer["tokens"])) == ("DONE", V, True)
    await here.verify(here.elsewhere)
    assert here.answer == {
        "email": V,
        "nextStep": "LOG_IN",
        "passwordToken": None,
        "tokens": None,
        "customer": None,
        "userErrors": [],
    }
    await here.verify(here.stranger)
    assert (here.answer["tokens"], here.answer["customer"]) == (None, None)
    assert await shop.count("customers") == customers


async def test_somebody_elses_registration_token_opens_nothing(shop: Shop) -> None:
    here = await world(shop, verified=True)
    await here.register("owner", **TYPED_BY_OWNER)
    await here.stranger.register("eve@example.org", STRANGERS, acceptTerms=True, loginName="eve-enters")
    here.stranger.registration_tokens[V] = here.stranger.registration_tokens["eve@example.org"]

    await here.verify(here.stranger)

    assert (here.answer["nextStep"], here.answer["tokens"]) == ("CHOOSE_PASSWORD", None)
    assert await here.passwords() == set()


async def test_the_first_password_of_a_guest_waits_for_the_shop(shop: Shop) -> None:
    settings = {"approval": True, "notification_email": "desk@careful.example", "terms_version": "3"}
    organization = await shop.create_organization("careful", require_verified_email=True, **settings)
    owner, staff = Storefront(shop, organization), await shop.integration(organization=organization)
    here = World(shop, owner, owner.elsewhere(), staff)
    await shop_upserts(here)

    await telephone_resets_without_terms(here)
    assert here.answer["userErrors"] == [{"code": "TERMS_NOT_ACCEPTED", "field": ["acceptTerms"]}]
    assert await shop.count("customers", "sealed_password IS NOT NULL") == 0
    await telephone_resets(here)

    assert here.answer["nextStep"] == "AWAIT_APPROVAL"
    assert (await owner.login(V, NEW_PASSWORD)).refusals("login") == [("NOT_APPROVED", None)]
    assert ("APPROVAL_REQUESTED", "desk@careful.example") in await owner.mail_kinds()
    shown = (await shop.ask("{ customers { nodes { approval } } }", token=staff)).data["customers"]["nodes"]
    assert shown == [{"approval": "PENDING"}]
