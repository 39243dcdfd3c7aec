"""Log lines: of libraries as of the program itself, without a word that may be personal."""

import json
import logging
from pathlib import Path

from sqlalchemy import select, text
from structlog.testing import capture_logs

from app.platform.db.engine import Database
from app.platform.db.reading import Read
from app.platform.errors import Invalid
from app.platform.logs import LibraryFormatter, log_exception
from app.platform.values import EmailAddress

BROKEN = Read(select(text("nothing")), tuple)


def formatted(record: logging.LogRecord) -> dict[str, object]:
    found: dict[str, object] = json.loads(LibraryFormatter().format(record))
    return found


def test_a_line_of_a_library_has_time_level_and_message_without_its_values() -> None:
    message = "connection of %s failed\nfuture: <Task exception=ValueError('ann@example.org')>"
    record = logging.LogRecord("asyncpg.pool", logging.WARNING, "pool.py", 7, message, ("ann@example.org",), None)
    record.created = 0

    assert formatted(record) == {
        "event": "library",
        "logger": "asyncpg.pool",
        "message": "connection of %s failed",
        "level": "warning",
        "timestamp": "1970-01-01T00:00:00Z",
    }


def test_a_fault_shows_our_own_frames_and_the_one_that_raised() -> None:
    with capture_logs() as logged:
        try:
            EmailAddress.parse("nobody")
        except Invalid as fault:
            log_exception("fault", fault)

    (line,) = logged
    assert line["kind"] == "Invalid"
    assert [frame.partition(":")[0] for frame in line["trace"]] == ["app/platform/values.py"]


async def test_a_fault_in_a_driver_names_who_called_it(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    with capture_logs() as logged:
        try:
            await database.rows(BROKEN)
        except Exception as fault:  # noqa: BLE001 - what is raised does not matter here
            log_exception("fault", fault)
    await database.close()

    (line,) = logged
    paths = [frame.partition(":")[0] for frame in line["trace"]]
    assert paths == ["app/platform/db/engine.py", "app/platform/db/reading.py", "site-packages/aiosqlite/core.py"]
