"""Erasure on a real server: after it, no file and no backup reveals the customer."""

from pathlib import Path

from tests.contract.stored_values import ADD_CARD, ADDRESS, PERSONAL, REGISTRATION, base64_encodings, plain_encodings
from tests.server.process.server import Server, serving
from tests.server.process.stored import ciphers, copy, opens, sealed
from tests.server.process.test_kill import wait_for_completed
from tests.shop import PASSWORD

EMAIL, CARD = PERSONAL["email"], "4242"
SOUGHT = {name: value for name, value in PERSONAL.items() if value != CARD}


def live(server: Server, email: str) -> str:
    """Register, log in, add data, change it, log out; return the id."""
    left_away = {"attributes"} if email == EMAIL else {"attributes", "loginName"}
    server.register(email, **{name: value for name, value in REGISTRATION.items() if name not in left_away})
    token = server.login(email)["tokens"]["accessToken"]
    for line2 in ("Stock 1", "Stock 2"):
        home = server.ask("CreateAddress", token=token, input={**ADDRESS, "line2": line2})["createAddress"]["address"]
    server.ask("SetDefaultAddress", token=token, id=home["id"], type="BILLING")
    assert server.ask(ADD_CARD, token=token)["addPaymentMethod"]["paymentMethod"]["last4"] == CARD
    changed = server.ask("UpdateCustomer", token=token, input={"newsletter": False})["updateCustomer"]
    assert changed["customer"]["newsletter"] is False
    server.ask("Logout", token=token)
    found: str = server.ask("CustomerByEmail", token=server.staff(), email=email)["customer"]["id"]
    return found


def traces(folder: Path) -> list[str]:
    """The files in which a personal value is found, in any encoding."""
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        for name, value in SOUGHT.items():
            spellings = {value, value.lower(), value.upper()}
            if any(form in content for one in spellings for form in (*plain_encodings(one), *base64_encodings(one))):
                found.append(f"{name} in {path.name}")
    return found


def test_after_an_anonymization_no_file_and_no_backup_knows_the_person(tmp_path: Path) -> None:
    var, backup, old_keys = tmp_path / "var", tmp_path / "backup.db", tmp_path / "keystore.db"
    with serving(var) as server:
        zoe, bob = live(server, EMAIL), live(server, "bob@example.org")
        copy(var / "patron.db", backup)
        copy(var / "keystore.db", old_keys)

        requested = server.ask("RequestAnonymization", token=server.staff(), customerId=zoe)["requestAnonymization"]
        assert requested["anonymization"]["requester"]["email"] == server.demo["staffEmail"]
        wait_for_completed(server, 1)

        found = server.ask("Anonymization", token=server.staff(), customerId=zoe)["customer"]
        assert (found["email"], found["firstName"], found["lastName"]) == (None, None, None)
        assert (found["addresses"], found["paymentMethods"]) == ([], [])
        assert found["anonymization"]["status"] == "COMPLETED"
        assert server.login(EMAIL)["userErrors"][0]["code"] == "INVALID_CREDENTIALS"
        assert server.login("bob@example.org")["userErrors"] == []
        # Bob has the same name and street. His are sealed, so no file contains either while both exist.
        assert traces(var) == []
        assert server.end() == 0
    assert traces(var) == []

    with serving(var) as server:
        assert server.register(EMAIL)
        again = server.ask("CustomerByEmail", token=server.staff(), email=EMAIL)["customer"]
        assert again["id"] not in {zoe, bob}
    before, left = ciphers(old_keys, var / "master.key"), ciphers(var / "keystore.db", var / "master.key")
    (gone,) = before.keys() - left.keys()
    hers = [one for one in sealed(backup) if one.customer_id.hex == gone]
    assert len(hers) >= 6
    assert all(opens(one, before[gone]) for one in hers)
    assert not [one for one in hers for cipher in left.values() if opens(one, cipher)]
    assert all(opens(one, left[one.customer_id.hex]) for one in sealed(backup) if one.customer_id.hex != gone)


def test_the_search_for_traces_finds_every_form(tmp_path: Path) -> None:
    value = PERSONAL["street"]
    for number, form in enumerate([*plain_encodings(value), *base64_encodings(f"a {value} b"[2:-2])]):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "file").write_bytes(b"\0\1" + form + b"\2")

        assert traces(folder) == ["street in file"]
    assert traces(tmp_path / "nowhere") == []
    assert PASSWORD not in value
