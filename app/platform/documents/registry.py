"""The registry of trusted documents."""

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
        """Cache what was read from `database`: the text of a hash never changes."""
        self.required = required
        self._database = database
        self._cache: OrderedDict[str, str] = OrderedDict()

    async def find(self, sha256: str) -> str | None:
        """The text with this SHA-256 in hexadecimal digits. None is not cached: it may be registered at any time."""
        cached = self._cache.get(sha256)
        if cached is not None:
            return cached
        text = await self._database.row(_TEXT, sha256=sha256)
        if text is not None:
            self._cache[sha256] = text
            if len(self._cache) > CACHED_DOCUMENTS:
                self._cache.popitem(last=False)
        return text

    async def count(self) -> int:
        """The number of registered documents."""
        return await self._database.row(_COUNT) or 0


async def register_documents(database: Database, documents: Mapping[str, str]) -> int:
    """Register documents by the SHA-256 of their text, all or none; return how many are new."""
    async with database.transaction() as session:
        moment = now()
        return sum(
            [
                await insert_if_absent(session, TrustedDocument, sha256=sha256, text=text, added_at=moment)
                for sha256, text in documents.items()
            ]
        )
