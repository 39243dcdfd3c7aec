"""Finds registered documents, and registers them."""

from collections import OrderedDict
from collections.abc import Mapping

from sqlalchemy import bindparam, func, select
from sqlmodel import col

from app.platform.clock import now
from app.platform.db.engine import Database
from app.platform.db.inserts import insert_if_absent
from app.platform.db.reading import Read
from app.platform.documents.tables import TrustedDocument

CACHED_DOCUMENTS = 5000

_TEXT = Read(
    select(col(TrustedDocument.text)).where(col(TrustedDocument.sha256) == bindparam("sha256")), lambda row: str(row[0])
)
_COUNT = Read(select(func.count()).select_from(TrustedDocument), lambda row: int(row[0]))


class TrustedDocuments:
    """The registered documents of an installation; with `required`, no others run."""

    def __init__(self, database: Database, *, required: bool) -> None:
        """Read from `database` what this process has not read before: a text never changes under its hash."""
        self.required = required
        self._database = database
        self._cache: OrderedDict[str, str] = OrderedDict()

    async def find(self, sha256: str) -> str | None:
        """The text with this SHA-256 in hexadecimal digits; None is not remembered, it may be registered any moment."""
        cached = self._cache.get(sha256)
        if cached is not None:
            return cached
        found = await self._database.row(_TEXT, sha256=sha256)
        if found is not None:
            self._cache[sha256] = found
            if len(self._cache) > CACHED_DOCUMENTS:
                self._cache.popitem(last=False)
        return found

    async def count(self) -> int:
        """How many there are."""
        return await self._database.row(_COUNT) or 0


async def register_documents(database: Database, documents: Mapping[str, str]) -> int:
    """Keep documents by the SHA-256 of their text; return how many are new. All or none."""
    async with database.transaction() as session:
        moment = now()
        return sum(
            [
                await insert_if_absent(session, TrustedDocument, sha256=sha256, text=text, added_at=moment)
                for sha256, text in documents.items()
            ]
        )
