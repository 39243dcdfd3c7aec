"""Reads trusted documents from the files of a client's build."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.platform.graphql.documents import DocumentCache, GraphQLRequestError

# Of graphql-codegen, of Apollo Client, of Relay.
MANIFESTS = ("persisted-documents.json", "persisted-query-manifest.json", "persisted_queries.json")
APOLLO = "apollo-persisted-query-manifest"


class BadDocument(Exception):
    """A file cannot be registered; the message names it and gives the reason."""


def read_documents(folder: Path, documents: DocumentCache) -> dict[str, str]:
    """The documents below `folder` by their SHA-256.

    Each `*.graphql` file is one, and each entry of a manifest:

        persisted-documents.json        graphql-codegen    {"sha256:…": "query …"}
        persisted-query-manifest.json   Apollo Client      {"format": "apollo-persisted-query-manifest", "version": 1,
                                                            "operations": [{"id": "…", "body": "query …"}]}
        persisted_queries.json          Relay, with the algorithm SHA256   {"…": "query …"}

    Each is validated as for execution. Raise `BadDocument` for the first wrong one; then none is registered.
    """
    by_sha256 = {}
    for location, sha256, text in _texts(folder):
        digest = hashlib.sha256(text.encode()).hexdigest()
        if sha256 not in {None, digest}:
            raise BadDocument(
                f"{location}: the key is not the SHA-256 of the document; write the manifest with sha256 "
                '(Relay: `"algorithm": "SHA256"` in persistConfig).'
            )
        try:
            documents.prepare(text)
        except GraphQLRequestError as refused:
            raise BadDocument(f"{location}: {refused.errors[0].message}") from None
        by_sha256[digest] = text
    if not by_sha256:
        raise BadDocument(f"{folder}: there is neither a manifest ({', '.join(MANIFESTS)}) nor a *.graphql file.")
    return by_sha256


def _texts(folder: Path) -> Iterator[tuple[str, str | None, str]]:
    """Location, declared SHA-256 if any, and text of each document."""
    for path in sorted(folder.rglob("*.graphql")):
        yield str(path), None, path.read_text(encoding="utf-8")
    for path in sorted(path for name in MANIFESTS for path in folder.rglob(name)):
        for key, text in _manifest(path).items():
            yield f"{path} {key}", key.removeprefix("sha256:"), text


def _manifest(path: Path) -> dict[str, str]:
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise BadDocument(f"{path}: this is not JSON.") from None
    if isinstance(manifest, dict) and manifest.get("format") == APOLLO:
        return _of_apollo(path, manifest)
    if not isinstance(manifest, dict) or not all(isinstance(text, str) for text in manifest.values()):
        raise BadDocument(f"{path}: a manifest is an object of texts by their hashes.")
    return manifest


def _of_apollo(path: Path, manifest: dict[str, Any]) -> dict[str, str]:
    operations: Any = manifest.get("operations")
    is_known = manifest.get("version") == 1 and isinstance(operations, list)
    if not is_known or not all(isinstance(one, dict) and {"id", "body"} <= one.keys() for one in operations):
        raise BadDocument(f"{path}: Patron reads version 1 of this format: operations with `id` and `body`.")
    return {str(one["id"]): str(one["body"]) for one in operations}
