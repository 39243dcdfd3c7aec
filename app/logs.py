"""Structured logs: one JSON object a line, event names and ids only."""

import logging
import sys

import orjson
import structlog


def configure(level: str) -> None:
    """Write our own events, and the warnings of libraries, to standard error."""
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
