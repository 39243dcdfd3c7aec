"""Allowed CORS origins of all organizations, cached for 10 seconds."""

from collections.abc import Sequence
from time import monotonic
from typing import Any, cast

from sqlalchemy import select
from sqlmodel import col

from app.accounts.organizations.tables import Organization
from app.platform.db.engine import Database
from app.platform.db.reading import Read

CACHE_SECONDS = 10.0

_SETTINGS = Read(select(col(Organization.settings)), lambda row: cast("dict[str, Any]", row[0]))


class AllowedOrigins:
    """The allowed origins of all organizations together, as a preflight request does not identify one."""

    def __init__(self, database: Database) -> None:
        """Read from `database`, at most every 10 seconds."""
        self._database = database
        self._origins: frozenset[str] = frozenset()
        self._with_cookies: frozenset[str] = frozenset()
        self._cached_until = 0.0

    async def all_origins(self) -> frozenset[str]:
        """The origins that at least one organization allows."""
        await self._read()
        return self._origins

    async def with_cookies(self) -> frozenset[str]:
        """The origins that at least one organization with cookie sessions allows."""
        await self._read()
        return self._with_cookies

    async def _read(self) -> None:
        if self._cached_until > monotonic():
            return
        rows = await self._database.rows(_SETTINGS)
        self._origins = frozenset(origin for row in rows for origin in _cors_origins(row))
        self._with_cookies = frozenset(
            origin for row in rows if row.get("cookie_sessions") for origin in _cors_origins(row)
        )
        self._cached_until = monotonic() + CACHE_SECONDS


def _cors_origins(settings: dict[str, Any]) -> Sequence[str]:
    return cast("Sequence[str]", settings.get("cors_origins", ()))
