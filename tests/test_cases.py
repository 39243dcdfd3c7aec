"""Runs the faults found from outside (`tests/cases/*.json`) as they were sent, and compares with `expected`."""

import json
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.platform.clock import now
from app.privacy.erasure import erase_due
from app.server.mail_pages import PATHS
from tests.accounts.confirmations.storefront import Storefront
from tests.privacy.builders import guest_order
from tests.shop import Answer, Shop

CASES = {path.stem: json.loads(path.read_text()) for path in sorted((Path(__file__).parent / "cases").glob("*.json"))}
ANN = "ann@example.org"
RED = "another quiet red bicycle"
SET = "mutation ($input: UpdateOrganizationInput!) { updateOrganization(input: $input) { userErrors { code } } }"
SHOWN = """query ($email: String!) { customer(by: { email: $email }) { id
    firstName lastName phone loginName newsletter termsAcceptance { version } addresses { line1 } } }"""
TYPED: dict[str, Any] = {
    "firstName": "Ann",
    "lastName": "Archer",
    "phone": "+41446681800",
    "loginName": "ann-archer",
    "newsletter": True,
    "acceptTerms": True,
    "address": {
        "firstName": "Ann",
        "lastName": "Archer",
        "line1": "Limmatquai 1",
        "city": "Zürich",
        "postalCode": "8001",
        "country": "CH",
    },
}
Case = dict[str, Any]


async def send(shop: Shop, case: Case, *, token: str | None = None, key: str | None = None, **variables: Any) -> Answer:
    """The case's operation with its variables, unless others are given."""
    headers = {"authorization": f"Bearer {token}"} if token else {"x-api-key": key or shop.organization.key}
    return await shop.post({"query": case["operation"], "variables": variables or case["variables"]}, **headers)


async def guest_orders_go_with_the_person(shop: Shop, case: Case) -> None:
    staff = await shop.staff()
    await guest_order(shop, ANN, "G-1")
    await guest_order(shop, "bob@example.org", "G-2")
    ann = await shop.register(ANN)
    (await shop.ask("RequestAnonymization", token=staff, customerId=ann.id)).payload("requestAnonymization")
    assert await erase_due(shop.runtime.store) == 1

    assert (await send(shop, case, token=staff)).data["order"]["shippingAddress"] is None
    assert (await send(shop, case, token=staff, n="G-2")).data["order"]["shippingAddress"]["lastName"]
    again = await shop.register(ANN)
    orders = await shop.ask("{ me { orders(first: 5) { nodes { number } } } }", token=again.token)
    assert orders.data["me"]["orders"]["nodes"] == []


async def require_login_name_locks_nobody_out(shop: Shop, case: Case) -> None:
    storefront = Storefront(shop, shop.organization)
    await storefront.register(ANN)
    upsert = "mutation ($input: UpsertCustomerInput!) { upsertCustomer(input: $input) { userErrors { code } } }"
    staff = await shop.integration()
    (await shop.ask(upsert, token=staff, input={"email": "guest@example.org"})).payload("upsertCustomer")
    (await shop.ask(SET, token=staff, input={"settings": {"requireLoginName": True}})).payload("updateOrganization")

    assert (await send(shop, case)).payload("login")["tokens"]
    await storefront.succeed("requestLoginNameReminder", email=ANN)
    assert (await storefront.mail_values("LOGIN_NAME_REMINDER", ANN))["login_name"] == ANN
    for email in (ANN, "guest@example.org"):
        await storefront.succeed("requestPasswordReset", email=email)
        token = (await storefront.mail_values("RESET_PASSWORD", email))["token"]
        await storefront.succeed("resetPassword", token=token, password=RED, passwordConfirmation=RED)
        login = await send(shop, case, i={"identifier": email, "password": RED})
        session = login.payload("login")["tokens"]["accessToken"]
        name = email.partition("@")[0] + "-archer"
        rename = "mutation ($n: String!) { updateCustomer(input: { loginName: $n }) { userErrors { code field } } }"
        (await shop.ask(rename, token=session, n=name)).payload("updateCustomer")
        assert (await send(shop, case, i={"identifier": name, "password": RED})).payload("login")["tokens"]


async def reset_keeps_the_registration(shop: Shop, case: Case) -> None:
    for named in (False, True):
        slug = f"careful-{named}".lower()
        organization = await shop.create_organization(
            slug, require_verified_email=True, terms_version="3", require_login_name=named
        )
        storefront = Storefront(shop, organization).elsewhere()
        await storefront.register(ANN, **TYPED)
        await storefront.succeed("requestPasswordReset", email=ANN)
        token = (await storefront.mail_values("RESET_PASSWORD", ANN))["token"]
        given = {**case["variables"]["i"], "token": token}

        (await send(shop, case, key=organization.key, i=given)).payload("resetPassword")

        found = (await shop.ask(SHOWN, token=await shop.integration(organization=organization), email=ANN)).data
        customer = found["customer"]
        assert (customer["firstName"], customer["lastName"], customer["newsletter"]) == ("Ann", "Archer", True)
        assert (customer["loginName"], customer["termsAcceptance"]) == ("ann-archer", {"version": "3"})
        assert (await storefront.login("ann-archer", RED)).payload("login")["tokens"]


async def expired_tokens_block_nothing(shop: Shop, case: Case) -> None:
    ann, bob = await shop.register(ANN), await shop.register("bob@example.org")
    later = now() + timedelta(minutes=16)
    with pytest.MonkeyPatch.context() as clock:
        clock.setattr("app.identity.sessions.tokens.now", lambda: later)
        refreshed = await send(shop, case, token=ann.token, i={"refreshToken": ann.refresh_token})
        renewed = refreshed.payload("refreshToken")["tokens"]
        assert renewed
        for document in (
            '{ login(input: { identifier: "ann@example.org", password: "wrong" }) { userErrors { code } } }',
            '{ requestPasswordReset(input: { email: "ann@example.org" }) { userErrors { code } } }',
        ):
            assert (await shop.ask(f"mutation {document}", token=ann.token)).status == 200
        assert (await shop.ask("{ countries { code } }", token=ann.token)).data["countries"]
        (await shop.ask("Logout", token=ann.token)).payload("logout")
    dead = await send(shop, case, i={"refreshToken": ann.refresh_token})
    assert dead.data["refreshToken"]["tokens"] is None
    assert (await send(shop, case, i={"refreshToken": bob.refresh_token})).payload("refreshToken")["tokens"]


async def identity_numbers_are_stored(shop: Shop, case: Case) -> None:
    field = """mutation { createExtraField(
        input: { name: "idNumber", type: TEXT, labels: [{ locale: "en", text: "Identity number" }] }
    ) { userErrors { code field } } }"""
    (await shop.ask(field, token=await shop.staff())).payload("createExtraField")
    ann = await shop.register(ANN)

    (await send(shop, case, token=ann.token)).payload("updateCustomer")

    shown = (await shop.ask("{ me { attributes { name value } } }", token=ann.token)).data["me"]["attributes"]
    assert shown == [{"name": "idNumber", "value": case["variables"]["v"]}]


async def ids_of_other_systems_are_stored(shop: Shop, case: Case) -> None:
    stored = (await send(shop, case, token=await shop.staff())).payload("upsertCustomer")

    assert stored["customer"] == {"reference": case["variables"]["i"]["reference"]}


async def a_zero_character_finds_nothing(shop: Shop, case: Case) -> None:
    answer = await send(shop, case, token=await shop.staff())

    assert answer.body == case["expected"]


async def sharp_s_is_another_mailbox(shop: Shop, case: Case) -> None:
    storefront = Storefront(shop, await shop.create_organization("careful", require_verified_email=True))
    await storefront.register_verified("info@hauptstrasse.example")
    order = {**case["variables"]["i"], "email": case["variables"]["i"]["email"].replace("…", "haupt")}

    recorded = await send(shop, case, token=await shop.staff(organization=storefront.organization), i=order)

    assert recorded.payload("recordOrder")["customer"] is None
    await storefront.register_verified("info@hauptstraße.example")
    assert await shop.count("login_identifiers", "kind = 'EMAIL'") == 2


async def verifying_twice_answers_alike(shop: Shop, case: Case) -> None:
    storefront = Storefront(shop, await shop.create_organization("careful", require_verified_email=True))
    await storefront.register(ANN)
    await storefront.register("bob@example.org")
    token = (await storefront.mail_values("VERIFY_EMAIL", ANN))["token"]

    answers = [await send(shop, case, key=storefront.organization.key, i={"token": token}) for _ in range(2)]

    assert [answer.payload("verifyEmail") for answer in answers] == [{"userErrors": []}] * 2
    assert await shop.count("customers", "email_verified_at IS NOT NULL") == 1


async def links_in_mails_lead_to_pages(shop: Shop, case: Case) -> None:
    path = case["operation"].removeprefix("GET ").replace("…", "some-token")
    names = [name for name in re.findall(r"[a-z-]+", case["expected"]) if f"/{name}" in PATHS]
    before = await shop.counts()

    for name in names:
        answer = await shop.client.get(path.replace("verify-email", name))

        assert answer.status_code == 200
        assert f'<form method="post" action="/{name}">' in answer.text
    # The page of exports came after the case was written.
    assert {f"/{name}" for name in names} == set(PATHS) - {"/data-export"}
    assert await shop.counts() == before


async def common_clients_pass_the_preflight(shop: Shop, case: Case) -> None:
    expected = [name.strip() for name in case["expected"].partition(" allowed")[0].split(",")]
    headers = {**case["headers"], "access-control-request-headers": ",".join(["content-type", *expected])}
    for sent in (case["headers"], headers):
        answer = await shop.client.options("/graphql", headers={**sent, "access-control-request-method": "POST"})

        assert answer.status_code in {200, 204}
        allowed = {name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")}
        assert {*expected, "content-type"} <= allowed


async def days_are_errors_of_their_field(shop: Shop, case: Case) -> None:
    ann = await shop.register(ANN, birthDate="1980-02-29")

    blank = (await send(shop, case, token=ann.token)).payload("updateCustomer")
    assert blank["customer"]["birthDate"] is None
    for day in ("1999-02-29", "2000-W01-1", "20000101"):
        refused = await send(shop, case, token=ann.token, i={"birthDate": day, "phone": "+41 1"})
        assert sorted(refused.refusals("updateCustomer")) == [("INVALID", ["birthDate"]), ("INVALID_PHONE", ["phone"])]
    assert (await shop.ask("{ me { birthDate phone } }", token=ann.token)).data["me"] == {
        "birthDate": None,
        "phone": None,
    }


RUNS: dict[str, Callable[[Shop, Case], Awaitable[None]]] = {
    "01-guest-orders-survive-forgetting": guest_orders_go_with_the_person,
    "02-require-login-name-locks-out-who-has-none": require_login_name_locks_nobody_out,
    "03-reset-before-verification-loses-registration": reset_keeps_the_registration,
    "04-expired-access-token-blocks-refresh-login-logout": expired_tokens_block_nothing,
    "05-south-african-id-numbers-refused-as-cards": identity_numbers_are_stored,
    "06-numeric-ids-of-other-systems-refused-as-cards": ids_of_other_systems_are_stored,
    "07-nul-in-a-code-is-an-internal-error-on-postgresql": a_zero_character_finds_nothing,
    "08-sharp-s-and-ss-are-one-mailbox": sharp_s_is_another_mailbox,
    "09-verifying-twice-says-invalid": verifying_twice_answers_alike,
    "10-links-in-mails-lead-to-404-without-a-storefront": links_in_mails_lead_to_pages,
    "11-preflight-refuses-headers-of-common-clients": common_clients_pass_the_preflight,
    "12-blank-or-impossible-date-is-a-top-level-error": days_are_errors_of_their_field,
}


def test_every_case_is_run() -> None:
    assert set(RUNS) == set(CASES)


@pytest.mark.parametrize("name", RUNS)
async def test_a_case_is_answered_as_expected(shop: Shop, name: str) -> None:
    await RUNS[name](shop, CASES[name])
