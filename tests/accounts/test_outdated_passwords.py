"""What a password allows is looked at again under the customer's lock: hashing leaves time for a reset in between."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.customers import repository, versions
from app.customers.identifiers import IdentifierKind
from app.identity.passwords.hashing import PasswordHasher, Verification
from tests.accounts.confirmations.storefront import NEW_PASSWORD, Storefront
from tests.shop import PASSWORD, Shop

VERA, VERA_NEW, BOB, BOB_NEW = "vera@example.org", "vera.new@example.org", "bob@example.org", "bob.new@example.org"
OTHER_PASSWORD = {"newPassword": "a third purple ladder", "newPasswordConfirmation": "a third purple ladder"}
REPLACED_BY_NEW_PASSWORD = {"newPassword": NEW_PASSWORD, "newPasswordConfirmation": NEW_PASSWORD}
NEW = {"password": NEW_PASSWORD, "passwordConfirmation": NEW_PASSWORD}
Meanwhile = Callable[[Storefront], Awaitable[None]]


@pytest.fixture
async def open_storefront(shop: Shop) -> Storefront:
    """Of an organization that requires no verified address."""
    return Storefront(shop, await shop.create_organization("open"))


@pytest.fixture
def between_check_and_write(
    open_storefront: Storefront, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Meanwhile], None]:
    """Have something happen once, after the next password was verified and before anything is written."""

    def prepare(meanwhile: Meanwhile) -> None:
        verify, pending = PasswordHasher.verify, [meanwhile]

        async def verify_first(self: PasswordHasher, password: str, stored: str | None) -> Verification:
            verification = await verify(self, password, stored)
            if pending:
                await pending.pop()(open_storefront)
            return verification

        monkeypatch.setattr(PasswordHasher, "verify", verify_first)

    return prepare


async def reset(storefront: Storefront) -> None:
    await storefront.succeed("requestPasswordReset", email=VERA)
    token = (await storefront.mail_values("RESET_PASSWORD", VERA))["token"]
    await storefront.elsewhere().succeed("resetPassword", token=token, **NEW)


async def prove(storefront: Storefront) -> None:
    """In another browser than the one that registered: the password is void."""
    token = (await storefront.mail_values("VERIFY_EMAIL", VERA))["token"]
    await storefront.elsewhere().shop.ask(
        "mutation ($input: VerifyEmailInput!) { verifyEmail(input: $input) { nextStep } }",
        organization=storefront.organization,
        input={"token": token},
    )


async def change(storefront: Storefront) -> None:
    """From another session, which stays alive; all others end."""
    token = await storefront.token(VERA)
    await storefront.succeed("changePassword", bearer=token, currentPassword=PASSWORD, **REPLACED_BY_NEW_PASSWORD)


async def undo(storefront: Storefront) -> None:
    token = (await storefront.mail_values("EMAIL_CHANGED", VERA))["token"]
    await storefront.succeed("undoEmailChange", token=token)


every_way = pytest.mark.parametrize("meanwhile", [reset, prove, change], ids=lambda meanwhile: meanwhile.__name__)


async def two_customers(storefront: Storefront) -> dict[str, str]:
    """Access tokens of the customer and of a bystander, each with two sessions."""
    for email in (VERA, BOB):
        (await storefront.elsewhere().register(email)).payload("register")
    return {email: await storefront.token(email) for email in (VERA, BOB)}


async def live_sessions(storefront: Storefront) -> int:
    return await storefront.shop.count("login_sessions", "ended_at IS NULL AND customer_id IS NOT NULL")


@every_way
async def test_a_login_starts_no_session_when_the_password_was_replaced_meanwhile(
    open_storefront: Storefront, between_check_and_write: Callable[[Meanwhile], None], meanwhile: Meanwhile
) -> None:
    await two_customers(open_storefront)
    between_check_and_write(meanwhile)

    refused = await open_storefront.login(VERA)

    assert refused.refusals("login") == [("INVALID_CREDENTIALS", None)]
    assert refused.data["login"]["tokens"] is None
    # The bystander's two, and the one that changed the password.
    assert await live_sessions(open_storefront) == (3 if meanwhile is change else 2)
    assert (await open_storefront.shop.audit()).count("session.refused") == 1
    await open_storefront.token(BOB)


async def test_a_login_starts_no_session_when_an_email_change_was_undone_meanwhile(
    open_storefront: Storefront, between_check_and_write: Callable[[Meanwhile], None]
) -> None:
    await two_customers(open_storefront)
    browser = open_storefront.elsewhere()
    token = await open_storefront.token(VERA)
    mailed = await open_storefront.mail_values("VERIFY_EMAIL", VERA)
    await browser.succeed("verifyEmail", bearer=token, token=mailed["token"])
    await browser.succeed("requestEmailChange", bearer=token, newEmail=VERA_NEW, password=PASSWORD)
    mailed = await open_storefront.mail_values("CONFIRM_NEW_EMAIL", VERA_NEW)
    await browser.succeed("confirmEmailChange", token=mailed["token"])
    between_check_and_write(undo)

    refused = await open_storefront.login(VERA_NEW)

    assert refused.refusals("login") == [("INVALID_CREDENTIALS", None)]
    assert await live_sessions(open_storefront) == 2


@every_way
async def test_an_email_change_is_not_requested_with_a_password_that_was_replaced_meanwhile(
    open_storefront: Storefront, between_check_and_write: Callable[[Meanwhile], None], meanwhile: Meanwhile
) -> None:
    tokens = await two_customers(open_storefront)
    await open_storefront.succeed("requestEmailChange", bearer=tokens[BOB], newEmail=BOB_NEW, password=PASSWORD)
    between_check_and_write(meanwhile)

    refused = await open_storefront.refusals_of(
        "requestEmailChange", bearer=tokens[VERA], newEmail=VERA_NEW, password=PASSWORD
    )

    assert refused == [("INVALID_CREDENTIALS", ["password"])]
    assert VERA_NEW not in {to for _, to in await open_storefront.mail_kinds()}
    assert await open_storefront.shop.count("proofs", "purpose = 'CHANGE_EMAIL'") == 1
    assert "customer.email_change_refused" in await open_storefront.shop.audit()


@every_way
async def test_a_password_change_does_not_overwrite_what_replaced_the_password_meanwhile(
    open_storefront: Storefront, between_check_and_write: Callable[[Meanwhile], None], meanwhile: Meanwhile
) -> None:
    tokens = await two_customers(open_storefront)
    between_check_and_write(meanwhile)

    refused = await open_storefront.refusals_of(
        "changePassword", bearer=tokens[VERA], currentPassword=PASSWORD, **OTHER_PASSWORD
    )

    assert refused == [("INVALID_CREDENTIALS", ["currentPassword"])]
    other = await open_storefront.login(VERA, OTHER_PASSWORD["newPassword"])
    assert other.refusals("login") == [("INVALID_CREDENTIALS", None)]
    assert (await open_storefront.mail_kinds()).count(("PASSWORD_CHANGED", VERA)) == (meanwhile is not prove)
    if meanwhile is not prove:
        await open_storefront.token(VERA, NEW_PASSWORD)
    await open_storefront.succeed("changePassword", bearer=tokens[BOB], currentPassword=PASSWORD, **OTHER_PASSWORD)


@pytest.mark.parametrize("name", ["requestEmailChange", "changePassword"])
async def test_a_session_that_ended_meanwhile_changes_nothing(
    open_storefront: Storefront, between_check_and_write: Callable[[Meanwhile], None], name: str
) -> None:
    tokens = await two_customers(open_storefront)

    async def log_out(storefront: Storefront) -> None:
        (await storefront.shop.ask("mutation { logout { userErrors { code } } }", token=tokens[VERA])).payload("logout")

    between_check_and_write(log_out)
    given: dict[str, Any] = {"newEmail": VERA_NEW, "password": PASSWORD}
    if name == "changePassword":
        given = {"currentPassword": PASSWORD, **OTHER_PASSWORD}

    refused = await open_storefront.refusals_of(name, bearer=tokens[VERA], **given)

    assert refused == [("INVALID_CREDENTIALS", ["password" if name == "requestEmailChange" else "currentPassword"])]
    assert await open_storefront.shop.count("proofs", "purpose = 'CHANGE_EMAIL'") == 0
    await open_storefront.token(VERA)
    assert (await open_storefront.me(tokens[BOB])).status == 200


async def test_an_email_change_needs_the_password_that_the_same_session_has_just_set(
    open_storefront: Storefront, between_check_and_write: Callable[[Meanwhile], None]
) -> None:
    tokens = await two_customers(open_storefront)

    async def change_in_this_session(storefront: Storefront) -> None:
        await storefront.succeed(
            "changePassword", bearer=tokens[VERA], currentPassword=PASSWORD, **REPLACED_BY_NEW_PASSWORD
        )

    between_check_and_write(change_in_this_session)

    refused = await open_storefront.refusals_of(
        "requestEmailChange", bearer=tokens[VERA], newEmail=VERA_NEW, password=PASSWORD
    )

    assert refused == [("INVALID_CREDENTIALS", ["password"])]
    assert VERA_NEW not in {to for _, to in await open_storefront.mail_kinds()}
    assert (await open_storefront.me(tokens[VERA])).status == 200


async def test_a_login_succeeds_when_another_one_replaced_an_outdated_hash_meanwhile(
    open_storefront: Storefront, between_check_and_write: Callable[[Meanwhile], None]
) -> None:
    await two_customers(open_storefront)
    store, organization_id = open_storefront.shop.runtime.store, open_storefront.organization.id
    customer_id = await repository.id_by_identifier(
        store, organization_id=organization_id, kind=IdentifierKind.EMAIL, canonical=VERA
    )
    assert customer_id is not None

    async def rehash(storefront: Storefront) -> None:
        async with store.database.transaction() as session:
            await versions.replace_password_hash(
                session, store.vault, customer_id=customer_id, password_hash=await storefront.hasher.hash(PASSWORD)
            )

    between_check_and_write(rehash)

    await open_storefront.token(VERA)

    assert await live_sessions(open_storefront) == 5
