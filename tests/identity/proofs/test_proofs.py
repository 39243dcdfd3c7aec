"""Tests of one-time proofs: rules that all purposes share."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlmodel import select, update

from app.identity.proofs import repository as proofs
from app.identity.proofs.errors import ProofExpired, ProofInvalid
from app.identity.proofs.purposes import Purpose
from app.identity.proofs.repository import MAX_CODE_TRIES, IssuedProof, UsedProof
from app.identity.proofs.tables import Proof
from app.platform.clock import now
from tests.shop import Shop

VERIFY = Purpose.VERIFY_EMAIL


class Prover:
    """Issues and uses the proofs of one customer."""

    def __init__(self, shop: Shop, customer_id: UUID) -> None:
        self.shop, self.id = shop, customer_id
        self.store = shop.runtime.store

    async def issue(self, purpose: Purpose = VERIFY, payload: object = None, about: str = "") -> IssuedProof:
        async with self.store.database.transaction() as session:
            return await proofs.issue(
                session,
                self.store.vault,
                organization_id=self.shop.organization.id,
                customer_id=self.id,
                purpose=purpose,
                payload=payload,
                about=about,
            )

    async def use(self, token: str, purpose: Purpose = VERIFY, organization_id: UUID | None = None) -> UsedProof:
        async with self.store.database.transaction() as session:
            used_in = organization_id or self.shop.organization.id
            return await proofs.use(session, self.store.vault, organization_id=used_in, purpose=purpose, token=token)

    async def use_code(self, code: str, customer_id: UUID | None = None) -> UsedProof | None:
        async with self.store.database.transaction() as session:
            return await proofs.use_code(
                session,
                self.store.vault,
                organization_id=self.shop.organization.id,
                customer_id=customer_id or self.id,
                purpose=VERIFY,
                code=code,
            )

    async def let_expire(self) -> None:
        async with self.store.database.transaction() as session:
            await session.exec(update(Proof).values(expires_at=now() - timedelta(seconds=1)))

    async def rows(self) -> list[Proof]:
        async with self.store.database.transaction() as session:
            return list((await session.exec(select(Proof))).all())


@pytest.fixture
async def ann(shop: Shop) -> Prover:
    customer_id = uuid4()
    await shop.runtime.store.vault.create_key(customer_id, organization_id=shop.organization.id)
    return Prover(shop, customer_id)


def _wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


async def test_a_token_is_used_once_and_gives_back_what_was_sealed_with_it(ann: Prover) -> None:
    issued = await ann.issue(Purpose.RESET_PASSWORD, payload={"email": "ann@example.org"})

    proven = await ann.use(issued.token, Purpose.RESET_PASSWORD)

    assert (proven.customer_id, proven.payload, proven.repeated) == (ann.id, {"email": "ann@example.org"}, False)
    with pytest.raises(ProofInvalid):
        await ann.use(issued.token, Purpose.RESET_PASSWORD)


@pytest.mark.parametrize("purpose", [VERIFY, Purpose.CHANGE_EMAIL])
async def test_what_a_double_click_may_send_is_repeated_for_ten_minutes(
    ann: Prover, purpose: Purpose, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued, other = await ann.issue(purpose), await ann.issue(purpose, about="another")

    assert [(await ann.use(issued.token, purpose)).repeated for _ in range(3)] == [False, True, True]

    assert (await ann.use(other.token, purpose)).repeated is False
    for minutes, outcome in ((9, True), (10, None)):
        later = now() + timedelta(minutes=minutes)
        with monkeypatch.context() as clock:
            clock.setattr("app.identity.proofs.repository.now", lambda later=later: later)
            if outcome is None:
                with pytest.raises(ProofInvalid):
                    await ann.use(issued.token, purpose)
            else:
                assert (await ann.use(issued.token, purpose)).repeated is outcome


async def test_the_last_three_codes_work_and_share_their_tries(ann: Prover) -> None:
    issued = [await ann.issue(about=str(number)) for number in range(4)]
    assert await ann.use_code(issued[0].code) is None

    for _ in range(8):
        assert await ann.use_code("no code") is None
    used = await ann.use_code(issued[1].code)

    assert used is not None
    assert (used.customer_id, used.repeated) == (ann.id, False)
    newer = await ann.issue(about="newer")
    assert await ann.use_code(newer.code) is None
    assert (await ann.use(newer.token)).customer_id == ann.id


async def test_revoking_buys_no_new_tries(ann: Prover) -> None:
    await ann.issue()
    for _ in range(MAX_CODE_TRIES):
        await ann.use_code("no code")
    async with ann.store.database.transaction() as session:
        assert await proofs.revoke(session, customer_id=ann.id, purposes=[VERIFY]) == 1

    again = await ann.issue()

    assert await ann.use_code(again.code) is None
    assert (await ann.use(again.token)).customer_id == ann.id


@pytest.mark.alone("looks at whole tables")
async def test_neither_token_nor_code_nor_payload_is_stored(ann: Prover) -> None:
    issued = await ann.issue(payload={"email": "ann@example.org"})

    [row] = await ann.rows()
    stored = repr(row.model_dump()).encode()
    assert issued.token.startswith("ve_")
    assert len(issued.code) == 6
    assert all(secret.encode() not in stored for secret in (issued.token, issued.code, "ann@"))


async def test_a_newer_proof_voids_the_older_one_and_keeps_what_was_sealed(ann: Prover) -> None:
    older = await ann.issue(payload={"claim": 1})
    newer = await ann.issue()

    with pytest.raises(ProofInvalid):
        await ann.use(older.token)
    assert (await ann.use(newer.token)).payload == {"claim": 1}


async def test_proofs_about_different_things_stand_beside_each_other(ann: Prover) -> None:
    first = await ann.issue(Purpose.UNDO_EMAIL_CHANGE, {"email": "a@example.org"}, about="a@example.org")
    second = await ann.issue(Purpose.UNDO_EMAIL_CHANGE, {"email": "b@example.org"}, about="b@example.org")

    assert (await ann.use(first.token, Purpose.UNDO_EMAIL_CHANGE)).payload == {"email": "a@example.org"}
    assert (await ann.use(second.token, Purpose.UNDO_EMAIL_CHANGE)).payload == {"email": "b@example.org"}


async def test_a_token_works_for_its_own_purpose_only(ann: Prover) -> None:
    issued = await ann.issue()

    with pytest.raises(ProofInvalid):
        await ann.use(issued.token, Purpose.RESET_PASSWORD)
    with pytest.raises(ProofInvalid):
        await ann.use(issued.token, organization_id=uuid4())
    assert (await ann.use(issued.token)).customer_id == ann.id


@pytest.mark.alone("looks at whole tables")
async def test_an_expired_token_is_distinguished_from_one_that_never_was(ann: Prover) -> None:
    issued = await ann.issue()
    await ann.let_expire()

    with pytest.raises(ProofExpired):
        await ann.use(issued.token)
    with pytest.raises(ProofExpired):
        await ann.use_code(issued.code)
    with pytest.raises(ProofInvalid):
        await ann.use("ve_never")


@pytest.mark.alone("looks at whole tables")
async def test_an_expired_code_is_called_expired_only_to_who_knows_it(ann: Prover) -> None:
    issued = await ann.issue()
    await ann.let_expire()

    assert await ann.use_code(_wrong(issued.code)) is None


async def test_a_code_works_for_its_own_customer_only_and_once(ann: Prover) -> None:
    issued = await ann.issue()

    assert await ann.use_code(issued.code, uuid4()) is None
    used, again = await ann.use_code(issued.code), await ann.use_code(issued.code)
    assert used is not None
    assert again is not None
    assert (used.customer_id, used.payload, used.repeated, again.repeated) == (ann.id, None, False, True)


async def test_a_code_that_was_guessed_at_too_often_is_dead_and_the_link_is_not(ann: Prover) -> None:
    issued = await ann.issue()

    for _ in range(MAX_CODE_TRIES):
        assert await ann.use_code(_wrong(issued.code)) is None

    assert await ann.use_code(issued.code) is None
    assert (await ann.use(issued.token)).customer_id == ann.id


async def test_requesting_a_new_mail_does_not_reset_the_tries(ann: Prover) -> None:
    issued = await ann.issue()
    for _ in range(MAX_CODE_TRIES):
        await ann.use_code(_wrong(issued.code))

    again = await ann.issue()

    assert await ann.use_code(again.code) is None
    assert (await ann.use(again.token)).customer_id == ann.id


@pytest.mark.alone("looks at whole tables")
async def test_voided_erased_and_long_expired_proofs_are_gone(ann: Prover) -> None:
    reset = await ann.issue(Purpose.RESET_PASSWORD)
    verify = await ann.issue()
    async with ann.store.database.transaction() as session:
        assert await proofs.revoke(session, customer_id=ann.id, purposes=[Purpose.RESET_PASSWORD]) == 1
    with pytest.raises(ProofInvalid):
        await ann.use(reset.token, Purpose.RESET_PASSWORD)

    await ann.let_expire()
    assert await proofs.sweep(ann.store) == 0
    async with ann.store.database.transaction() as session:
        assert await proofs.erase(session, customer_id=ann.id) == 1
    with pytest.raises(ProofInvalid):
        await ann.use(verify.token)
