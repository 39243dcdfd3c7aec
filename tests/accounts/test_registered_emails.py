"""Tests that an email address has at most one account, whatever its spelling, also with concurrent registrations."""

import asyncio
from typing import Any

import pytest

from tests.shop import PASSWORD, Answer, Shop

ADDRESS = "zoë.ann@example.org"
SPELLINGS = ["ZOË.ANN@EXAMPLE.ORG", "zoe\u0308.ann@example.org", " zoë.ann@example.org ", "Zoë.Ann@Example.Org"]
TAKEN = [("EMAIL_TAKEN", ["email"])]


async def submit_registration(shop: Shop, email: str, **profile: Any) -> Answer:
    account = {"email": email, "password": PASSWORD, "passwordConfirmation": PASSWORD, **profile}
    return await shop.ask("Register", input=account)


@pytest.mark.parametrize("count", [2, 10])
async def test_of_several_registrations_of_one_address_at_once_one_wins(shop: Shop, count: int) -> None:
    answers = await asyncio.gather(*(submit_registration(shop, "ann@example.org") for _ in range(count)))

    assert sorted(answer.refusals("register") for answer in answers) == [[], *[TAKEN] * (count - 1)]
    assert await shop.count("customers") == await shop.count("login_identifiers") == 1
    assert (await shop.audit()).count("customer.registered") == 1


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_all_spellings_of_an_address_are_one(shop: Shop, spelling: str) -> None:
    (await submit_registration(shop, ADDRESS)).payload("register")
    before = await shop.counts()

    assert (await submit_registration(shop, spelling)).refusals("register") == TAKEN

    assert await shop.counts() == before
    login = await shop.ask("Login", identifier=spelling, password=PASSWORD)
    assert login.payload("login")["customer"]["email"] == ADDRESS


async def test_one_address_may_have_an_account_in_each_organization(shop: Shop) -> None:
    elsewhere = await shop.create_organization("elsewhere")

    here, there = await shop.register("ann@example.org"), await shop.register("ann@example.org", organization=elsewhere)

    assert here.id != there.id
    assert (await shop.ask("{ me { id } }", token=there.token)).data["me"]["id"] == there.id


async def test_a_guest_is_a_customer_without_password_who_cannot_log_in(shop: Shop) -> None:
    answer = await shop.ask("Register", input={"email": "ann@example.org"})

    payload = answer.payload("register")
    assert (payload["customer"]["hasPassword"], payload["customer"]["status"]) == (False, "PROSPECT")
    assert (payload["nextStep"], payload["tokens"]) == ("DONE", None)
    for password in ("", PASSWORD):
        login = await shop.ask("Login", identifier="ann@example.org", password=password)
        assert login.refusals("login") == [("INVALID_CREDENTIALS", None)]


CARD = "4111 1111 1111 1111"
WRONG: list[tuple[dict[str, object], list[tuple[str, list[str]]]]] = [
    ({"passwordConfirmation": "another password 9"}, [("PASSWORD_MISMATCH", ["passwordConfirmation"])]),
    ({"passwordConfirmation": None}, [("PASSWORD_MISMATCH", ["passwordConfirmation"])]),
    ({"password": None}, [("REQUIRED", ["password"])]),
    ({"email": "ann"}, [("INVALID", ["email"])]),
    ({"email": ""}, [("REQUIRED", ["email"])]),
    ({"email": "a\0nn@example.org"}, [("INVALID", ["email"])]),
    ({"email": "x" * 85 + "@example.org"}, [("TOO_LONG", ["email"])]),
    ({"email": "x" * 200_000}, [("TOO_LONG", ["email"])]),
    ({"firstName": "x" * 33}, [("TOO_LONG", ["firstName"])]),
    ({"firstName": "A\0nn"}, [("INVALID", ["firstName"])]),
    ({"firstName": CARD}, [("CARD_DATA_REFUSED", ["firstName"])]),
    ({"fax": "x" * 33}, [("TOO_LONG", ["fax"])]),
    ({"company": "x" * 256}, [("TOO_LONG", ["company"])]),
    ({"phone": "+4"}, [("TOO_SHORT", ["phone"])]),
    ({"phone": "+" + "4" * 32}, [("TOO_LONG", ["phone"])]),
    ({"phone": "+41 44 000"}, [("INVALID_PHONE", ["phone"])]),
    (
        {"email": "ann", "firstName": "x" * 33, "lastName": CARD, "passwordConfirmation": "x"},
        [
            ("INVALID", ["email"]),
            ("TOO_LONG", ["firstName"]),
            ("CARD_DATA_REFUSED", ["lastName"]),
            ("PASSWORD_MISMATCH", ["passwordConfirmation"]),
        ],
    ),
]


@pytest.mark.parametrize(("fields", "refusals"), WRONG)
async def test_every_wrong_field_is_reported_at_once_and_nothing_is_written(
    shop: Shop, fields: dict[str, object], refusals: list[tuple[str, list[str]]], capfd: pytest.CaptureFixture[str]
) -> None:
    before = await shop.counts()

    answer = await shop.ask(
        "Register",
        input={"email": "ann@example.org", "password": PASSWORD, "passwordConfirmation": PASSWORD, **fields},
    )

    assert answer.refusals("register") == refusals
    assert answer.data["register"]["customer"] is answer.data["register"]["tokens"] is None
    assert await shop.counts() == before
    output = str(answer.body) + "".join(capfd.readouterr())
    assert PASSWORD not in output
    assert CARD not in output
    assert CARD.replace(" ", "") not in output


@pytest.mark.parametrize(("field", "longest"), [("firstName", 32), ("lastName", 32), ("fax", 32), ("company", 255)])
async def test_the_longest_value_is_taken(shop: Shop, field: str, longest: int) -> None:
    assert (await submit_registration(shop, "ann@example.org", **{field: "ß" * longest})).payload("register")
    assert (await submit_registration(shop, "bob@example.org", **{field: "ß" * (longest + 1)})).refusals(
        "register"
    ) == [("TOO_LONG", [field])]


async def test_the_longest_address_is_taken(shop: Shop) -> None:
    longest = f"{'a' * 60}@{'b' * 31}.org"
    assert len(longest) == 96

    assert (await submit_registration(shop, longest)).payload("register")["customer"]["email"] == longest
