"""Trusted documents: registered by command line, executed by id over HTTP."""

import hashlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from app.platform.documents.files import BadDocument, read_documents
from app.platform.documents.registry import register_documents
from app.platform.documents.tables import TrustedDocument
from app.platform.settings import Settings
from app.server.web import document_cache
from tests.live_server import Server
from tests.shop import Shop, Urls, open_shop

KNOWN = "query Known { viewer { kind } }"
OTHER = "query Other { viewer { kind } }"
PREPARED = document_cache(Settings())


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture(params=["optional", "required"])
async def shop_with_documents(request: pytest.FixtureRequest, sqlite_urls: Urls) -> AsyncIterator[Shop]:
    async with open_shop(sqlite_urls, trusted_documents=request.param) as shop:
        await register_documents(shop.runtime.store.database, {sha256(KNOWN): KNOWN})
        yield shop


@pytest.fixture
async def strict_shop(sqlite_urls: Urls) -> AsyncIterator[Shop]:
    async with open_shop(sqlite_urls, trusted_documents="required") as shop:
        await register_documents(shop.runtime.store.database, {sha256(KNOWN): KNOWN})
        yield shop


@pytest.mark.parametrize(
    "body",
    [
        {"documentId": f"sha256:{sha256(KNOWN)}"},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256(KNOWN)}}},
        {"documentId": f"sha256:{sha256(KNOWN)}", "query": KNOWN},
        {"query": KNOWN},
    ],
    ids=["documentId", "apollo", "both", "text"],
)
async def test_a_registered_document_runs_however_it_is_named(shop_with_documents: Shop, body: dict[str, Any]) -> None:
    answer = await shop_with_documents.post(body)

    assert answer.data == {"viewer": {"kind": "GUEST"}}


async def test_a_registered_document_is_found_again_without_the_database(shop_with_documents: Shop) -> None:
    body = {"documentId": f"sha256:{sha256(KNOWN)}"}
    await shop_with_documents.post(body)
    async with shop_with_documents.runtime.store.database.transaction() as session:
        await session.exec(delete(TrustedDocument))

    assert (await shop_with_documents.post(body)).data == {"viewer": {"kind": "GUEST"}}


async def test_a_registered_query_is_read_by_get_and_kept_by_no_cache(shop_with_documents: Shop) -> None:
    response = await shop_with_documents.client.get(
        "/graphql", params={"documentId": f"sha256:{sha256(KNOWN)}"}, headers={"accept": "application/json"}
    )

    assert response.json() == {"data": {"viewer": {"kind": "GUEST"}}}
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "body",
    [
        {"documentId": f"sha256:{sha256(OTHER)}"},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256(OTHER)}}},
    ],
    ids=["documentId", "apollo"],
)
async def test_an_id_that_is_not_registered_is_one_error(shop_with_documents: Shop, body: dict[str, Any]) -> None:
    answer = await shop_with_documents.post(body, accept="application/graphql-response+json")

    assert answer.status == 400
    assert answer.codes == ["PERSISTED_QUERY_NOT_FOUND"]
    # The exchange of urql looks for these words, the link of Apollo for the code, too.
    assert answer.body["errors"][0]["message"] == "PersistedQueryNotFound"
    assert "data" not in answer.body


@pytest.mark.parametrize(
    "body",
    [
        {"documentId": sha256(KNOWN)},
        {"documentId": f"sha256:{sha256(KNOWN).upper()}"},
        {"documentId": 7},
        {"documentId": ["sha256:"]},
        {"extensions": {"persistedQuery": "yes"}},
        {"extensions": {"persistedQuery": {"sha256Hash": "7"}}},
        {"documentId": f"sha256:{sha256(KNOWN)}", "query": OTHER},
        {"query": OTHER, "extensions": {"persistedQuery": {"sha256Hash": sha256(KNOWN)}}},
        {"variables": {}},
    ],
)
async def test_an_id_that_is_malformed_or_of_another_text_is_refused(
    shop_with_documents: Shop, body: dict[str, Any]
) -> None:
    answer = await shop_with_documents.post(body)

    assert answer.status == 400
    assert answer.codes == ["BAD_USER_INPUT"]


async def test_where_trusted_documents_are_required_nothing_else_runs(strict_shop: Shop) -> None:
    mutation = 'mutation { register(input: { email: "a@example.org" }) { userErrors { code } } }'
    before = await strict_shop.counts()

    answers = [await strict_shop.ask(OTHER), await strict_shop.ask(mutation), await strict_shop.ask(f"{KNOWN} ")]
    page = await strict_shop.client.get("/graphql", headers={"accept": "text/html"})

    assert [answer.codes for answer in answers] == [["PERSISTED_QUERY_NOT_FOUND"]] * 3
    assert "patron documents add" in answers[0].body["errors"][0]["message"]
    assert "GraphiQL" not in page.text
    assert await strict_shop.counts() == before


async def test_where_they_are_optional_anything_runs(shop: Shop) -> None:
    assert (await shop.ask(OTHER)).data == {"viewer": {"kind": "GUEST"}}


def test_a_folder_of_files_and_a_manifest_are_read(tmp_path: Path) -> None:
    (tmp_path / "known.graphql").write_text(KNOWN)
    (tmp_path / "built").mkdir()
    (tmp_path / "built" / "persisted-documents.json").write_text(json.dumps({f"sha256:{sha256(OTHER)}": OTHER}))

    found = read_documents(tmp_path, PREPARED)

    assert found == {sha256(KNOWN): KNOWN, sha256(OTHER): OTHER}


def apollo_manifest() -> dict[str, Any]:
    """As `@apollo/generate-persisted-query-manifest` writes it."""
    operation = {"id": sha256(KNOWN), "name": "Known", "type": "query", "body": KNOWN}
    return {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [operation]}


def test_the_manifests_of_apollo_and_relay_are_read(tmp_path: Path) -> None:
    (tmp_path / "persisted-query-manifest.json").write_text(json.dumps(apollo_manifest()))
    (tmp_path / "persisted_queries.json").write_text(json.dumps({sha256(OTHER): OTHER}))

    assert read_documents(tmp_path, PREPARED) == {sha256(KNOWN): KNOWN, sha256(OTHER): OTHER}


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.graphql", "query { viewer { nothing } }", "Cannot query field 'nothing'"),
        ("a.graphql", "query {", "Syntax Error"),
        ("persisted-documents.json", "{", "not JSON"),
        ("persisted-documents.json", "[]", "an object of texts"),
        ("persisted_queries.json", json.dumps({"0" * 32: KNOWN}), '"algorithm": "SHA256"'),
        ("persisted-query-manifest.json", json.dumps(apollo_manifest() | {"version": 2}), "version 1 of this format"),
        ("persisted-query-manifest.json", json.dumps(apollo_manifest() | {"operations": [{}]}), "`id` and `body`"),
        ("persisted-documents.json", json.dumps({"sha256:" + "0" * 64: KNOWN}), "not the SHA-256"),
        ("a.txt", KNOWN, "neither"),
    ],
)
def test_what_cannot_be_registered_is_named_with_the_reason(tmp_path: Path, name: str, text: str, reason: str) -> None:
    (tmp_path / name).write_text(text)

    with pytest.raises(BadDocument, match=reason) as refused:
        read_documents(tmp_path, PREPARED)

    assert str(tmp_path) in str(refused.value)


def test_the_command_line_registers_a_folder_and_says_the_ids(tmp_path: Path) -> None:
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "known.graphql").write_text(KNOWN)
    with Server(tmp_path):
        pass

    runs = [
        subprocess.run(
            [sys.executable, "-m", "app.server.cli", "documents", "add", "documents"],
            cwd=tmp_path,
            env=Server.environment(tmp_path),
            capture_output=True,
            text=True,
            check=True,
        )
        for _ in range(2)
    ]

    assert [run.stdout for run in runs] == [f"sha256:{sha256(KNOWN)}\n"] * 2
    assert [run.stderr for run in runs] == ["1 documents, 1 of them new\n", "1 documents, 0 of them new\n"]
