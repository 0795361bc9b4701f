"""This machine and what is installed on it."""

import os
import platform
import resource
import sqlite3

from bot.doctor.finding import Case, Findings, ok, warning, wrong
from bot.serve import OTHER_FILES
from bot.settings import version
from bot.text import Texts

SQLITE_AT_LEAST = (3, 38, 0)  # the first with the operator ->>


async def look(case: Case) -> Findings:
    yield ok(f"KP7 {version()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}.")
    if sqlite3.sqlite_version_info < SQLITE_AT_LEAST:
        yield wrong(
            f"SQLite {sqlite3.sqlite_version} is too old.",
            f"Use a Python that brings SQLite {'.'.join(map(str, SQLITE_AT_LEAST))} or newer.",
        )
    try:
        Texts()
    except SystemExit as missing:
        yield wrong(f"{missing}.", "Run `make setup` in the folder that KP7 is installed in.")
    if os.geteuid() == 0:
        yield warning("This runs as root.", "Run KP7, and this command, as a user of its own.")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = hard - OTHER_FILES
    if hard >= 0 and room < case.settings.max_connections:
        yield warning(
            f"This shell may open {hard} files, which leaves room for {max(room, 0)} connections.",
            f"Set LimitNOFILE={case.settings.max_connections + OTHER_FILES} in the unit, or MAX_CONNECTIONS lower.",
        )
