"""Tests of the limit on mails that anybody can have sent to an address."""

import pytest

from tests.accounts.confirmations.storefront import Storefront
from tests.shop import Urls, open_shop

ANN, NOBODY = "ann@example.org", "nobody@example.org"
MUTATIONS = {
    "requestPasswordReset": "RESET_PASSWORD",
    "requestLoginNameReminder": "LOGIN_NAME_REMINDER",
    "requestEmailVerification": "VERIFY_EMAIL",
}


@pytest.mark.parametrize("name", MUTATIONS)
async def test_an_address_gets_five_mails_of_a_kind_an_hour_whether_or_not_it_is_known(
    sqlite_urls: Urls, name: str
) -> None:
    async with open_shop(sqlite_urls, rate_limits={"recipient-mails": "5 per hour"}) as shop:
        storefront = Storefront(shop, await shop.create_organization("careful", require_verified_email=True))
        await storefront.shop.execute("DELETE FROM outgoing_mails")
        await storefront.register(ANN)
        before = len(await storefront.mail_kinds())
        allowed = 4 if name == "requestEmailVerification" else 5

        for _ in range(allowed):
            await storefront.succeed(name, email=ANN)
        for _ in range(5):
            await storefront.succeed(name, email=NOBODY)
        refused = [await storefront.refusals_of(name, email=email) for email in (ANN.upper(), NOBODY)]

        assert refused == [[("RATE_LIMITED", None)]] * 2
        assert [kind for kind, _ in (await storefront.mail_kinds())[before:]] == [MUTATIONS[name]] * allowed
        # Other kinds, other addresses, and other shops are not concerned.
        others = set(MUTATIONS) - {name, "requestEmailVerification"}
        await storefront.succeed(others.pop(), email=ANN)
        await storefront.succeed(name, email="bob@example.org")
        elsewhere = Storefront(shop, shop.organization)
        await elsewhere.succeed(name, email=ANN)
