"""What a customer's session began to write is not written when the session ends meanwhile."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse

from app.platform.db.engine import Database
from tests.contract.permissions import CALLERS, GUEST, MATRIX, OK, PermissionSetup, make_setup
from tests.shop import CONTRACT, PASSWORD, Shop

# They end the session themselves, or look at it themselves: tests/accounts/test_outdated_passwords.py.
EXCEPTIONS = {"logoutEverywhere", "endSession", "changePassword", "requestEmailChange"}
# Written ahead of the transaction, for a gateway that is asked in between; the reconciler takes back what was attached.
AHEAD = {"gateway_attempts", "gateway_customers"}
LOGOUT_EVERYWHERE = "mutation { logoutEverywhere { endedSessions userErrors { code } } }"


def is_mutation(document: str) -> bool:
    definition = parse(CONTRACT.get(document, document)).definitions[0]
    return isinstance(definition, OperationDefinitionNode) and definition.operation.value == "mutation"


FIELDS = sorted(
    name
    for name, entry in MATRIX.items()
    if is_mutation(entry.document)
    and entry.outcomes[CALLERS.index("owner")] == OK
    and entry.outcomes[CALLERS.index("guest")] == GUEST
    and name not in EXCEPTIONS
)


def end_all_before_the_next_transaction(shop: Shop, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next transaction of the main database begins after another session has ended all sessions."""
    transaction, pending = Database.transaction, [token]

    @asynccontextmanager
    async def begin(self: Database, *arguments: Any, **options: Any) -> AsyncIterator[Any]:
        if self is shop.runtime.store.database and pending:
            ended = await shop.ask(LOGOUT_EVERYWHERE, token=pending.pop())
            assert ended.payload("logoutEverywhere")["endedSessions"] >= 2
        async with transaction(self, *arguments, **options) as session:
            yield session

    monkeypatch.setattr(Database, "transaction", begin)


async def other_session(setup: PermissionSetup) -> str:
    answer = await setup.shop.ask("Login", identifier=setup.ann.email, password=PASSWORD)
    found: str = answer.payload("login")["tokens"]["accessToken"]
    return found


@pytest.mark.parametrize("field", FIELDS)
async def test_nothing_is_written_for_a_session_that_ended_meanwhile(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    setup = await make_setup(shop)
    setup.caller = "owner"
    variables = await MATRIX[field].variables(setup)
    token = await other_session(setup)
    before = await shop.counts()
    with monkeypatch.context() as patch:
        end_all_before_the_next_transaction(shop, token, patch)

        refused = await setup.ask(MATRIX[field].document, variables)

    assert refused.codes == ["UNAUTHENTICATED"]
    assert refused.body["errors"][0]["extensions"]["reason"] == "TOKEN_REVOKED"
    after = await shop.counts()
    changed = {name: after[name] - before[name] for name in after if name not in AHEAD and after[name] != before[name]}
    # The audit event of the logout.
    assert changed == {"audit_events": 1}


def test_customers_have_such_mutations() -> None:
    assert {"updateCustomer", "createAddress", "addPaymentMethod", "deleteAddress"} <= set(FIELDS)
