"""Erasure and export of payment methods."""

import asyncio
from uuid import UUID

import anyio

from app.customers.payment_methods import repository
from app.customers.payment_methods.customer_payment_methods import lock_payment_methods
from app.customers.payment_methods.records import TABLE, PaymentMethodDetails
from app.customers.payment_methods.tables import PaymentMethod
from app.platform.graphql import ids
from app.platform.vault.vault import KeyDestroyed
from app.privacy.erasure import erase_due
from tests.customers.payment_methods.payments import SandboxPayments, erase_customer
from tests.shop import Person


def row_id(person: Person) -> UUID:
    return ids.decode("Customer", person.id)


async def test_an_erased_customer_is_deleted_at_the_gateway_without_its_key(
    payments: SandboxPayments, ann: Person
) -> None:
    for token in ("tok_visa", "tok_amex", "tok_bank_account"):
        await payments.add_method(ann, token)

    await erase_customer(payments, ann)
    assert await payments.shop.count("payment_methods") == 0
    assert await payments.shop.count("gateway_customers") == 0
    assert len(payments.gateway.instruments) == 3

    await payments.reconcile_all()
    assert payments.gateway.instruments == {}
    assert "forget" in payments.gateway.calls
    assert await payments.attempts_with_secrets() == 0
    assert {state for _, state in await payments.attempts()} == {"DONE"}


async def test_an_attach_under_way_during_the_erasure_is_undone(payments: SandboxPayments, ann: Person) -> None:
    await payments.open_session(ann)
    payments.gateway.answers_to_lose = 1
    await payments.try_to_add(ann)

    await erase_customer(payments, ann)
    await payments.reconcile_all()

    assert payments.gateway.instruments == {}
    assert await payments.attempts_with_secrets() == 0


async def test_what_is_saved_while_the_erasure_starts_is_erased_too(payments: SandboxPayments, ann: Person) -> None:
    await payments.add_method(ann)
    staff = await payments.shop.staff()
    await payments.shop.ask("RequestAnonymization", token=staff, customerId=ann.id)
    store, organization = payments.shop.runtime.store, payments.shop.organization

    async with asyncio.TaskGroup() as tasks, store.database.transaction() as session:
        methods = await lock_payment_methods(
            session, store.vault, None, organization_id=organization.id, customer_id=row_id(ann)
        )
        (row,) = methods.rows
        later = PaymentMethod(**row.model_dump(exclude={"id", "token_hash", "is_default"}), token_hash=b"other")
        later.sealed = methods.cipher.seal(TABLE, later.id, PaymentMethodDetails(token="pm_sandbox_later"))
        await methods.add(later)
        erasing = tasks.create_task(erase_due(store))
        # The erasure waits for this transaction now; without waiting, it would miss the row.
        await anyio.sleep(0.3)

    assert erasing.result() == 1
    assert await payments.shop.count("payment_methods") == 0


async def test_erasing_again_is_harmless_even_without_a_key(payments: SandboxPayments, ann: Person) -> None:
    await payments.add_method(ann)
    store = payments.shop.runtime.store
    await store.vault.destroy_key(
        row_id(ann), organization_id=payments.shop.organization.id, anonymization_id=row_id(ann)
    )

    async with store.database.transaction() as session:
        assert await repository.erase(session, store.vault, customer_id=row_id(ann)) == 1
        assert await repository.erase(session, store.vault, customer_id=row_id(ann)) == 0

    assert await payments.attempts() == [("ATTACH", "DONE")]
    assert await payments.shop.count("gateway_customers") == 0


async def test_a_method_whose_key_is_destroyed_is_not_shown(payments: SandboxPayments, ann: Person) -> None:
    await payments.add_method(ann)
    store = payments.shop.runtime.store
    await store.vault.destroy_key(
        row_id(ann), organization_id=payments.shop.organization.id, anonymization_id=row_id(ann)
    )

    assert await repository.of_customers(store, payments.shop.organization.id, [row_id(ann)]) == [[]]
    try:
        await store.vault.cipher(row_id(ann))
    except KeyDestroyed:
        return
    raise AssertionError


async def test_the_export_contains_everything_but_the_token(payments: SandboxPayments, ann: Person) -> None:
    added = await payments.add_method(ann)

    exported = await repository.export(
        payments.shop.runtime.store, organization_id=payments.shop.organization.id, customer_id=row_id(ann)
    )

    (method,) = exported
    assert {name: method[name] for name in ("brand", "last4", "expiryYear", "funding", "country", "isDefault")} == {
        name: added[name] for name in ("brand", "last4", "expiryYear", "funding", "country", "isDefault")
    }
    assert "pm_sandbox" not in str(exported)


async def test_one_query_reads_the_methods_of_many(payments: SandboxPayments, ann: Person, bob: Person) -> None:
    hers = await payments.add_method(ann)
    his = await payments.add_method(bob, "tok_amex")
    other = await payments.shop.create_organization("second")
    store = payments.shop.runtime.store

    both = await repository.of_customers(store, payments.shop.organization.id, [row_id(bob), row_id(ann)])
    strangers = await repository.of_customers(store, other.id, [row_id(bob), row_id(ann)])
    named = [ids.decode_owned("PaymentMethod", one["id"]) for one in (his, hers)]

    assert [[one.details.brand for one in methods] for methods in both] == [["amex"], ["visa"]]
    assert strangers == [[], []]
    assert named == [(row_id(bob), both[0][0].row.id), (row_id(ann), both[1][0].row.id)]
