"""Structured logs: one JSON object per line, with event names and ids only."""

import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

import orjson
import structlog

DEEPEST_FRAMES = 12
PROGRAM = Path(__file__).parents[1]


def configure(level: str) -> None:
    """Send our own events, and the warnings of libraries, to standard error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(LibraryFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


class LibraryFormatter(logging.Formatter):
    """A library's log record as one of our lines.

    Of the message only the first line of its template: arguments, and what asyncio lists below, may be personal values.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        fault = record.exc_info[1] if record.exc_info else None
        line: dict[str, object] = {
            "event": "library",
            "logger": record.name,
            "message": str(record.msg).partition("\n")[0],
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
        }
        if fault is not None:
            line |= {"kind": type(fault).__qualname__, "trace": _trace(fault.__traceback__)}
        return orjson.dumps(line).decode()


def log_exception(event: str, fault: BaseException, **ids: object) -> None:
    """Log where an exception was raised, without its message, which may quote a personal value."""
    if getattr(fault, "already_logged", False):
        return
    trace = _trace(fault.__traceback__)
    structlog.get_logger().error(event, kind=type(fault).__qualname__, trace=trace, **ids)


def _trace(found: TracebackType | None) -> list[str]:
    """Our own frames, the deepest ones, and the one that raised: a driver's are many and say little."""
    frames = traceback.extract_tb(found)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(PROGRAM)][-DEEPEST_FRAMES:]
    raised = [] if not frames or frames[-1] in ours else [frames[-1]]
    return [f"{_path(frame.filename)}:{frame.lineno} {frame.name}" for frame in (*ours, *raised)]


def _path(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(PROGRAM.parent) if path.is_relative_to(PROGRAM) else Path(*path.parts[-3:]))
