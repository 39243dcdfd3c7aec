"""Structured logs: one JSON object per line, with event names and ids only."""

import logging
import sys
import traceback

import orjson
import structlog

DEEPEST_FRAMES = 12


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
    logging.basicConfig(level=logging.WARNING, format='{"event": "library", "logger": "%(name)s"}')


def log_exception(event: str, fault: BaseException, **ids: object) -> None:
    """Log where an exception was raised, without its message, which may quote a personal value."""
    frames = traceback.extract_tb(fault.__traceback__)[-DEEPEST_FRAMES:]
    trace = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    structlog.get_logger().error(event, kind=type(fault).__qualname__, trace=trace, **ids)
