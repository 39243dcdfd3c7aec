"""`patron receipt`: verify one with published keys or our own, refuse a changed one, add a key."""

import json
from pathlib import Path

from app.privacy.erasure import erase_due
from app.privacy.receipts.issuing import issue_receipts
from tests.privacy.builders import make_due, request
from tests.privacy.test_receipts import ISSUER, jwks, receipt
from tests.server.cli.conftest import Patron
from tests.shop import Shop


async def test_a_receipt_is_verified_with_published_keys_or_our_own(shop: Shop, patron: Patron, tmp_path: Path) -> None:
    ann = await shop.register("ann@example.org")
    request_id = (await request(shop, customerId=ann.id))["id"]
    await make_due(shop)
    await erase_due(shop.runtime.store)
    await issue_receipts(shop.runtime.store, ISSUER)
    jws = (await receipt(shop, request_id))["jws"]
    (tmp_path / "receipt").write_text(jws)
    (tmp_path / "changed").write_text(jws[:-4] + "AAAA")
    (tmp_path / "keys.json").write_text(json.dumps({"keys": await jwks(shop)}))
    keys = ("--keys", str(tmp_path / "keys.json"))

    genuine = await patron("receipt", "verify", str(tmp_path / "receipt"), *keys)
    own = await patron("receipt", "verify", str(tmp_path / "receipt"))
    changed = await patron("receipt", "verify", str(tmp_path / "changed"), *keys)

    assert genuine.returncode == own.returncode == 0
    assert json.loads(genuine.stdout) == json.loads(own.stdout)
    assert json.loads(own.stdout)["iss"] == ISSUER.url
    assert (changed.returncode, changed.stdout) == (1, "")
    assert changed.stderr == "The signature is wrong: the receipt was changed.\n"


async def test_files_that_cannot_be_read_are_one_sentence(patron: Patron, tmp_path: Path) -> None:
    (tmp_path / "receipt").write_text("a.b.c")
    (tmp_path / "nonsense").write_text("[]")

    missing = await patron("receipt", "verify", str(tmp_path / "missing"), "--keys", str(tmp_path / "nonsense"))
    no_keys = await patron("receipt", "verify", str(tmp_path / "receipt"), "--keys", str(tmp_path / "nonsense"))

    assert missing.returncode == no_keys.returncode == 2
    assert missing.stderr == f"{tmp_path / 'missing'}: This is not a file that can be read.\n"
    assert no_keys.stderr.startswith("--keys: Give a file with the keys of /.well-known/receipt-keys.json")


async def test_a_key_is_added_and_published(shop: Shop, patron: Patron) -> None:
    before = [key["kid"] for key in await jwks(shop)]

    added = await patron("receipt", "add-key")

    assert [key["kid"] for key in await jwks(shop)] == [*before, added.stdout.strip()]
