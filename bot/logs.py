"""Logs: one JSON object a line on standard error, and nothing in it that a person wrote.

Exceptions are named by kind and place only: their message, and the values in a traceback, may hold an ID or an address.
"""

import json
import logging
import sys
import traceback
from pathlib import Path

import structlog

HOUSE = Path(__file__).resolve().parent.parent
OURS = tuple(str(HOUSE / folder) for folder in ("bot", "handlers", "storage"))


def place(error: BaseException) -> str:
    """Where it happened, innermost first: `text.py:38 < screen.py:120 < walk.py:80`; our own files if any."""
    frames = traceback.extract_tb(error.__traceback__)
    shown = [frame for frame in frames if frame.filename.startswith(OURS)] or frames
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(shown[-3:])) or "?"


class _Bare(logging.Formatter):
    """What libraries log: the message's template without its arguments, and an exception's kind and place."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"level": record.levelname.lower(), "logger": record.name, "event": str(record.msg)}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            line |= {"error": type(error).__name__, "at": place(error)}
        return json.dumps(line)


def log_as_json() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Bare())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
