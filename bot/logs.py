"""Logs: one JSON object a line on standard error, and nothing in it that a person wrote.

Exceptions are named by kind and place only: their message, and the values in a traceback, may hold an ID or an address.
What strangers can cause as often as they like is logged by `seldom`, or they would fill the disk.
"""

import json
import logging
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path

import structlog

HOUSE = Path(__file__).resolve().parent.parent
OURS = tuple(str(HOUSE / folder) for folder in ("bot", "handlers", "storage"))
SILENCE_SECONDS = 10.0
_silent: dict[tuple[str, str, str], tuple[float, int]] = {}  # until when, and how often it has happened since the line


def seldom(event: str, channel: str, reason: str) -> None:
    """One line at once, then at most one in `SILENCE_SECONDS`, saying how often. All three are words of ours."""
    key = (event, channel, reason)
    until, times = _silent.get(key, (0.0, 0))
    _silent[key] = (until, times + 1)
    if not times:
        tell()


def tell(*, all_of_it: bool = False) -> None:
    """Log what has happened since the last line, as far as its silence is over. Called now and then, and at the end."""
    now = time.monotonic()
    for key, (until, times) in _silent.items():
        if times and (all_of_it or now >= until):
            _silent[key] = (now + SILENCE_SECONDS, 0)
            event, channel, reason = key
            structlog.get_logger().warning(event, channel=channel, reason=reason, times=times)


def place(error: BaseException) -> str:
    """Where it happened, innermost first: `text.py:38 < screen.py:120 < walk.py:80`; our own files if any."""
    frames = traceback.extract_tb(error.__traceback__)
    shown = [frame for frame in frames if frame.filename.startswith(OURS)] or frames
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(shown[-3:])) or "?"


class _Forgiving(structlog.PrintLogger):
    """A log that cannot be written (its disk is full) must not end the task that wanted to tell of it."""

    def __init__(self, *_: object) -> None:
        super().__init__(sys.stderr)

    def msg(self, message: str) -> None:
        with suppress(OSError):
            super().msg(message)

    log = debug = info = warn = warning = error = critical = fatal = failure = exception = msg


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
        logger_factory=_Forgiving,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Bare())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
