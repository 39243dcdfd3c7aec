"""Erasure and export of payment methods."""

import asyncio
from uuid import UUID

import anyio

from app.customers.payment_methods import repository
from app.customers.payment_methods.records import TABLE, Details
from app.customers.payment_methods.tables import PaymentMethod
from app.customers.payment_methods.wallets import wallet_of
from app.platform.graphql import ids
from app.platform.vault.vault import KeyDestroyed
from app.privacy.erasing import erase_due
from tests.customers.payment_methods.gateway import Counter, forget
from tests.house import Person


def row_id(person: Person) -> UUID:
    return ids.decode("Customer", person.id)


async def test_the_gateway_forgets_an_erased_customer_although_the_key_is_gone(counter: Counter, ann: Person) -> None:
    for token in ("tok_visa", "tok_amex", "tok_bank_account"):
        await counter.added(ann, token)

    await forget(counter, ann)
    assert await counter.house.count("payment_methods") == 0
    assert await counter.house.count("gateway_customers") == 0
    assert len(counter.gateway.instruments) == 3

    await counter.settle()
    assert counter.gateway.instruments == {}
    assert "forget" in counter.gateway.asked
    assert await counter.open_seals() == 0
    assert {state for _, state in await counter.attempts()} == {"DONE"}


async def test_an_attach_under_way_during_the_erasure_is_undone(counter: Counter, ann: Person) -> None:
    await counter.open_session(ann)
    counter.gateway.answers_to_lose = 1
    await counter.add(ann)

    await forget(counter, ann)
    await counter.settle()

    assert counter.gateway.instruments == {}
    assert await counter.open_seals() == 0


async def test_what_is_saved_while_the_erasure_starts_is_erased_too(counter: Counter, ann: Person) -> None:
    await counter.added(ann)
    staff = await counter.house.staff()
    await counter.house.ask("RequestAnonymization", token=staff, customerId=ann.id)
    store, shop = counter.house.patron.store, counter.house.shop

    async with asyncio.TaskGroup() as tasks, store.database.transaction() as session:
        wallet = await wallet_of(session, store.vault, None, organization_id=shop.id, customer_id=row_id(ann))
        (row,) = wallet.rows
        later = PaymentMethod(**row.model_dump(exclude={"id", "token_hash", "is_default"}), token_hash=b"other")
        later.sealed = wallet.box.seal(TABLE, later.id, Details(token="pm_sandbox_later"))
        await wallet.add(later)
        erasing = tasks.create_task(erase_due(store))
        # The erasure now waits for this transaction; where it did not wait, it would miss the row.
        await anyio.sleep(0.3)

    assert erasing.result() == 1
    assert await counter.house.count("payment_methods") == 0


async def test_erasing_again_is_harmless_even_without_a_key(counter: Counter, ann: Person) -> None:
    await counter.added(ann)
    store = counter.house.patron.store
    await store.vault.destroy_key(row_id(ann), organization_id=counter.house.shop.id, anonymization_id=row_id(ann))

    async with store.database.transaction() as session:
        assert await repository.erase(session, store.vault, customer_id=row_id(ann)) == 1
        assert await repository.erase(session, store.vault, customer_id=row_id(ann)) == 0

    assert await counter.attempts() == [("ATTACH", "DONE")]
    assert await counter.house.count("gateway_customers") == 0


async def test_a_method_whose_key_is_destroyed_is_not_shown(counter: Counter, ann: Person) -> None:
    await counter.added(ann)
    store = counter.house.patron.store
    await store.vault.destroy_key(row_id(ann), organization_id=counter.house.shop.id, anonymization_id=row_id(ann))

    assert await repository.of_customers(store, counter.house.shop.id, [row_id(ann)]) == [[]]
    try:
        await store.vault.box(row_id(ann))
    except KeyDestroyed:
        return
    raise AssertionError


async def test_the_export_tells_everything_but_the_token(counter: Counter, ann: Person) -> None:
    added = await counter.added(ann)

    told = await repository.export(
        counter.house.patron.store, organization_id=counter.house.shop.id, customer_id=row_id(ann)
    )

    (method,) = told
    assert {name: method[name] for name in ("brand", "last4", "expiryYear", "funding", "country", "isDefault")} == {
        name: added[name] for name in ("brand", "last4", "expiryYear", "funding", "country", "isDefault")
    }
    assert "pm_sandbox" not in str(told)


async def test_one_query_reads_the_methods_of_many(counter: Counter, ann: Person, bob: Person) -> None:
    hers = await counter.added(ann)
    his = await counter.added(bob, "tok_amex")
    other = await counter.house.open_shop("second")
    store = counter.house.patron.store

    both = await repository.of_customers(store, counter.house.shop.id, [row_id(bob), row_id(ann)])
    strangers = await repository.of_customers(store, other.id, [row_id(bob), row_id(ann)])
    named = [ids.decode("PaymentMethod", one["id"]) for one in (his, hers)]

    assert [[one.details.brand for one in methods] for methods in both] == [["amex"], ["visa"]]
    assert strangers == [[], []]
    found = await repository.by_ids(store, counter.house.shop.id, [*named, row_id(ann)])
    assert [one and one.details.brand for one in found] == ["amex", "visa", None]
    assert await repository.by_ids(store, other.id, named) == [None, None]
