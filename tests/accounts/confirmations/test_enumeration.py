"""Tests against account enumeration: neither the answer nor its cost reveals whether an address has an account."""

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.accounts.confirmations.storefront import NEW_PASSWORD, Storefront
from tests.shop import PASSWORD, Answer, Urls, open_shop

# Headers that differ in every response: the request id, and the rate limit of the caller.
VARIES = {"x-request-id", "ratelimit", "ratelimit-remaining", "ratelimit-reset"}
Act = Callable[[Storefront, str], Awaitable[Answer]]


async def register(storefront: Storefront, email: str) -> Answer:
    return await storefront.register(email, NEW_PASSWORD, firstName="Eve")


async def register_guest(storefront: Storefront, email: str) -> Answer:
    return await storefront.register(email, None)


async def login(storefront: Storefront, email: str) -> Answer:
    return await storefront.login(email, "a wrong password")


async def login_with_what_was_just_registered(storefront: Storefront, email: str) -> Answer:
    return await storefront.login(email, NEW_PASSWORD)


async def request_password_reset(storefront: Storefront, email: str) -> Answer:
    return await storefront.mutate("requestPasswordReset", email=email)


async def request_login_name_reminder(storefront: Storefront, email: str) -> Answer:
    return await storefront.mutate("requestLoginNameReminder", email=email)


async def request_email_verification(storefront: Storefront, email: str) -> Answer:
    return await storefront.mutate("requestEmailVerification", email=email)


async def verify_by_wrong_code(storefront: Storefront, email: str) -> Answer:
    return await storefront.mutate("verifyEmail", email=email, code="000000x")


ACTS = [
    register,
    register_guest,
    login,
    login_with_what_was_just_registered,
    request_password_reset,
    request_login_name_reminder,
    request_email_verification,
    verify_by_wrong_code,
]


@dataclass
class Cost:
    """The cost of a request: statements counted at the database drivers, and hashes."""

    main: list[str] = field(default_factory=list)
    keystore: list[str] = field(default_factory=list)
    hashes: int = 0

    def seen(self) -> tuple[list[str], list[str], int]:
        return [kind(one) for one in self.main], [kind(one) for one in self.keystore], self.hashes


def kind(statement: str) -> str:
    """A statement without its values and without the numbers in its names."""
    return re.sub(r"\s+", " ", re.sub(r"ROLLBACK TO|RELEASE", "END", statement)).split(" FROM sa_savepoint")[0][:200]


@contextmanager
def counted(storefront: Storefront) -> Iterator[Cost]:
    cost, store = Cost(), storefront.shop.runtime.store
    before = storefront.hasher.hashes
    store.database.on_statement = cost.main.append
    store.vault.keystore.on_statement = cost.keystore.append
    try:
        yield cost
    finally:
        store.database.on_statement = store.vault.keystore.on_statement = None
        cost.hashes = storefront.hasher.hashes - before


async def observed(storefront: Storefront, act: Act, email: str) -> tuple[Any, Cost]:
    """Everything that an unauthenticated caller sees of a request, and its cost."""
    with counted(storefront) as cost:
        answer = await act(storefront, email)
    assert "errors" not in answer.body
    headers = {name: value for name, value in answer.headers.items() if name not in VARIES}
    return (answer.status, headers, answer.body), cost


async def make_known(storefront: Storefront) -> dict[str, str]:
    """Create one address of every kind, with an empty key cache, as after a restart."""
    await storefront.register_verified("proven@example.org")
    await storefront.register("unproven@example.org")
    await storefront.register("guest@example.org", None)
    storefront.shop.runtime.store.vault._ciphers.clear()
    return {name: f"{name}@example.org" for name in ("proven", "unproven", "guest", "nobody")}


@pytest.mark.parametrize("act", ACTS, ids=lambda one: one.__name__)
async def test_known_and_unknown_addresses_are_answered_alike_and_cost_the_same(
    storefront: Storefront, act: Act
) -> None:
    addresses = await make_known(storefront)

    seen = {name: await observed(storefront, act, address) for name, address in addresses.items()}

    answers = {name: answer for name, (answer, _) in seen.items()}
    assert answers["proven"] == answers["unproven"] == answers["guest"] == answers["nobody"]
    costs = {name: cost.seen() for name, (_, cost) in seen.items()}
    assert costs["proven"] == costs["nobody"]
    assert costs["unproven"] == costs["nobody"]
    assert costs["guest"] == costs["nobody"]
    main, keystore, hashes = costs["nobody"]
    assert main
    assert keystore
    assert hashes == (1 if act in {register, login, login_with_what_was_just_registered} else 0)


@pytest.mark.parametrize("act", ACTS, ids=lambda one: one.__name__)
async def test_known_and_unknown_addresses_cost_the_same_on_a_sharded_database(postgres_urls: Urls, act: Act) -> None:
    async with open_shop(postgres_urls, database_sharded=True) as shop:
        storefront = Storefront(shop, await shop.create_organization("careful", require_verified_email=True))
        addresses = await make_known(storefront)

        costs = {name: (await observed(storefront, act, address))[1].seen() for name, address in addresses.items()}

    assert costs["proven"] == costs["nobody"]
    assert costs["unproven"] == costs["nobody"]
    assert costs["guest"] == costs["nobody"]


async def test_an_account_that_was_just_used_costs_no_less(storefront: Storefront) -> None:
    await storefront.me(await storefront.register_verified("proven@example.org"))

    _, known = await observed(storefront, login, "proven@example.org")
    _, unknown = await observed(storefront, login, "nobody@example.org")

    assert known.seen() == unknown.seen()


async def test_registering_and_logging_in_with_it_does_not_reveal_whether_the_address_was_free(
    storefront: Storefront,
) -> None:
    await storefront.register_verified("proven@example.org")
    for address in ("proven@example.org", "nobody@example.org"):
        await register(storefront, address)

    known, _ = await observed(storefront, login_with_what_was_just_registered, "proven@example.org")
    unknown, _ = await observed(storefront, login_with_what_was_just_registered, "nobody@example.org")

    assert known == unknown


async def test_only_real_people_get_mail(storefront: Storefront) -> None:
    addresses = await make_known(storefront)
    before = len(await storefront.mails())

    for act in (request_password_reset, request_login_name_reminder, request_email_verification):
        for address in addresses.values():
            await act(storefront, address)

    sent = [(kind, to.partition("@")[0]) for kind, to in (await storefront.mail_kinds())[before:]]
    assert sent == [
        ("RESET_PASSWORD", "proven"),
        ("RESET_PASSWORD", "unproven"),
        ("RESET_PASSWORD", "guest"),
        ("LOGIN_NAME_REMINDER", "proven"),
        ("LOGIN_NAME_REMINDER", "unproven"),
        ("LOGIN_NAME_REMINDER", "guest"),
        ("VERIFY_EMAIL", "unproven"),
        ("VERIFY_EMAIL", "guest"),
    ]


async def test_an_email_change_to_a_taken_address_costs_what_one_to_a_free_address_costs(
    storefront: Storefront,
) -> None:
    token = await storefront.register_verified("ann@example.org")
    await storefront.register_verified("proven@example.org")

    async def change(storefront: Storefront, email: str) -> Answer:
        return await storefront.mutate("requestEmailChange", bearer=token, newEmail=email, password=PASSWORD)

    known, known_cost = await observed(storefront, change, "proven@example.org")
    unknown, unknown_cost = await observed(storefront, change, "nobody@example.org")

    assert known == unknown
    assert known_cost.seen() == unknown_cost.seen()


async def test_how_an_address_is_spelled_does_not_decide_where_the_mail_goes(storefront: Storefront) -> None:
    await storefront.register_verified("finn@example.org")

    await request_password_reset(storefront, "Finn@EXAMPLE.org")

    assert (await storefront.mail_kinds())[-1] == ("RESET_PASSWORD", "finn@example.org")
