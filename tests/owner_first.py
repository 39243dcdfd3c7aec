"""Has every statement that the program sends while the tests run name the owner of what it touches."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import greenlet
import pytest

from app.platform.db.engine import Database
from app.platform.db.reading import Read
from tests.contract.owner_statements import unowned_parts
from tests.contract.permitted_fan_outs import is_permitted

ROOT = Path(__file__).parent.parent
DB = str(ROOT / "app" / "platform" / "db")
APP, TESTS = str(ROOT / "app"), str(ROOT / "tests")


def sender() -> str:
    """The file, of the program or of the tests, that sends the present statement; `platform/db` sends for others."""
    current: Any = greenlet.getcurrent()
    frame: FrameType | None = sys._getframe(1)
    while frame is not None or current is not None:
        while frame is not None:
            file = frame.f_code.co_filename
            if file.startswith((APP, TESTS)) and not file.startswith(DB) and file != __file__:
                return file
            frame = frame.f_back
        # SQLAlchemy runs the driver in a greenlet of its own; who waits for it stands in its parent.
        current = current.parent
        frame = current.gr_frame if current is not None else None
    return ""


@contextmanager
def collected(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, set[str]]]:
    """The statements of the program that touch rows without their owner, by what they do; filled while they run."""
    found: dict[str, set[str]] = {}

    def look(statement: str, database: Database) -> None:
        for part in unowned_parts(statement, database.engine.dialect.name):
            if not is_permitted(part.shape) and not sender().startswith(TESTS):
                found.setdefault(part.shape, set()).add(statement)

    notify, rows = Database._notify, Database.rows

    def looked_at_notify(self: Database, statement: str) -> None:
        look(statement, self)
        notify(self, statement)

    async def looked_at_rows(self: Database, read: Read[Any], **parameters: object) -> list[Any]:
        look(read.sql(self.engine.dialect), self)
        return await rows(self, read, **parameters)

    with monkeypatch.context() as patched:
        patched.setattr(Database, "_notify", looked_at_notify)
        patched.setattr(Database, "rows", looked_at_rows)
        yield found
