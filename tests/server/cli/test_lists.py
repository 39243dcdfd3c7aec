"""Listing, changing and removing what an operator keeps."""

import json

from app.platform.principal import Scope
from tests.server.cli.conftest import Patron
from tests.shop import Shop

VIEWER = "{ viewer { kind } }"


async def test_organizations_are_listed_and_changed(shop: Shop, patron: Patron) -> None:
    await shop.create_organization("second")

    changed = await patron(
        *("organizations", "update", "second", "--name", "Second & Sons", "--json"),
        *("--storefront-url", "https://shop.example.org/"),
        *("--set", "approval=true", "--set", "corsOrigins=https://a.example.org,https://b.example.org"),
    )
    listed = json.loads((await patron("organizations", "list", "--json")).stdout)

    assert changed.returncode == 0, changed.stderr
    first, second = listed
    assert json.loads(changed.stdout) == second
    assert second == {
        "slug": "second",
        "name": "Second & Sons",
        "default": False,
        "id": str(shop.organizations["second"].id),
        "storefrontUrl": "https://shop.example.org",
        "settings": {
            "approval": True,
            "corsOrigins": ["https://a.example.org", "https://b.example.org"],
            "requireVerifiedEmail": False,
            "storefrontUrl": "https://shop.example.org",
        },
    }
    assert (first["slug"], first["name"], first["default"], first["storefrontUrl"]) == ("first", "First", True, "")


async def test_a_removed_client_is_revoked_and_its_neighbour_is_not(shop: Shop, patron: Patron) -> None:
    made = json.loads(
        (await patron("clients", "create", "first", "--name", "ERP", "--scope", "orders:write", "--json")).stdout
    )
    form = {"grant_type": "client_credentials", "client_id": made["clientId"], "client_secret": made["clientSecret"]}
    token = (await shop.client.post("/oauth/token", data=form)).json()["access_token"]
    neighbour = await shop.integration()

    updated = await patron("clients", "update", "first", made["clientId"], "--name", "ERP 2", "--scope", "audit:read")
    removed = await patron("clients", "remove", "first", made["clientId"])
    listed = json.loads((await patron("clients", "list", "first", "--json")).stdout)

    assert (updated.returncode, removed.returncode) == (0, 0), (updated.stderr, removed.stderr)
    assert (await shop.client.post("/oauth/token", data=form)).json()["error"] == "invalid_client"
    assert (await shop.ask(VIEWER, token=token)).status == 401
    assert (await shop.ask(VIEWER, token=neighbour)).data["viewer"] == {"kind": "INTEGRATION"}
    assert [(one["name"], one["scopes"], bool(one["revoked"])) for one in listed] == [
        ("Storefront", "", False),
        ("Back office", " ".join(sorted(scope.value for scope in Scope)), False),
        ("ERP 2", "audit:read", True),
    ]


async def test_a_removed_staff_member_ends_its_sessions_and_nobody_elses(shop: Shop, patron: Patron) -> None:
    created = await patron("staff", "create", "first", "--email", "kim@first.example.org", "--first-name", "Kim")
    sam, client = await shop.staff(), await shop.integration()

    removed = await patron("staff", "remove", "first", "sam@first.example.org", "--json")
    listed = json.loads((await patron("staff", "list", "first", "--json")).stdout)

    assert created.returncode == 0, created.stderr
    assert json.loads(removed.stdout) == {"staff": str(shop.organization.staff_id), "endedSessions": 1}
    assert (await shop.ask(VIEWER, token=sam)).status == 401
    assert (await shop.ask(VIEWER, token=client)).data["viewer"] == {"kind": "INTEGRATION"}
    assert [(one["email"], one["firstName"]) for one in listed] == [("kim@first.example.org", "Kim")]


async def test_a_changed_staff_member_keeps_its_id_and_its_sessions(shop: Shop, patron: Patron) -> None:
    await patron("staff", "create", "first", "--email", "kim@first.example.org", "--first-name", "Kim")
    sam = await shop.staff()

    changed = await patron(
        "staff",
        "update",
        "first",
        "sam@first.example.org",
        "--email",
        "samira@first.example.org",
        "--first-name",
        "Samira",
    )
    listed = json.loads((await patron("staff", "list", "first", "--json")).stdout)

    assert changed.returncode == 0, changed.stderr
    assert (await shop.ask(VIEWER, token=sam)).data["viewer"] == {"kind": "STAFF"}
    assert [(one["email"], one["firstName"], one["lastName"]) for one in listed] == [
        ("samira@first.example.org", "Samira", "Staff"),
        ("kim@first.example.org", "Kim", None),
    ]
    assert listed[0]["id"] == str(shop.organization.staff_id)


async def test_anonymizations_are_listed_by_their_status(shop: Shop, patron: Patron) -> None:
    ann, staff = await shop.register("ann@example.org"), await shop.staff()
    (await shop.ask("RequestAnonymization", token=staff, customerId=ann.id)).payload("requestAnonymization")

    requested = json.loads((await patron("anonymizations", "list", "first", "--status", "REQUESTED", "--json")).stdout)
    done = json.loads((await patron("anonymizations", "list", "first", "--status", "COMPLETED", "--json")).stdout)

    assert [(one["status"], one["attempts"], one["failure"]) for one in requested] == [("REQUESTED", 0, None)]
    assert done == []
