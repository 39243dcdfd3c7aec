"""Reads documents from the files that a client's build leaves behind."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from app.platform.graphql.documents import DocumentCache, GraphQLRequestError

MANIFEST = "persisted-documents.json"


class BadDocument(Exception):
    """A file cannot be registered; the message names it and says why."""


def read_documents(folder: Path, documents: DocumentCache) -> dict[str, str]:
    """The documents below `folder` by their SHA-256.

    Each `*.graphql` file is one, and each entry of a manifest: `persisted-documents.json` of graphql-codegen,
    `{"sha256:…": "query …"}`. Each is checked as it would be for execution. Raise `BadDocument` for the first
    that is wrong: nothing is registered by halves.
    """
    found = {}
    for location, sha256, text in _texts(folder):
        digest = hashlib.sha256(text.encode()).hexdigest()
        if sha256 not in {None, digest}:
            raise BadDocument(
                f"{location}: the key is not the SHA-256 of the document; write the manifest with sha256."
            )
        try:
            documents.prepare(text)
        except GraphQLRequestError as refused:
            raise BadDocument(f"{location}: {refused.errors[0].message}") from None
        found[digest] = text
    if not found:
        raise BadDocument(f"{folder}: there is neither a {MANIFEST} nor a *.graphql file.")
    return found


def _texts(folder: Path) -> Iterator[tuple[str, str | None, str]]:
    """Place, the SHA-256 it is said to have, and text of each document."""
    for path in sorted(folder.rglob("*.graphql")):
        yield str(path), None, path.read_text(encoding="utf-8")
    for path in sorted(folder.rglob(MANIFEST)):
        for key, text in _manifest(path).items():
            yield f"{path} {key}", key.removeprefix("sha256:"), text


def _manifest(path: Path) -> dict[str, str]:
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise BadDocument(f"{path}: this is not JSON.") from None
    if not isinstance(manifest, dict) or not all(isinstance(text, str) for text in manifest.values()):
        raise BadDocument(f"{path}: a manifest is an object of texts by their hashes.")
    return manifest
