"""Secrets and data that others on this machine could read."""

import stat
from pathlib import Path
from urllib.parse import urlsplit

from bot.doctor.finding import Case, Findings, ok, skipped, wrong

AS_KP7 = "Run this command as the user that KP7 runs as."
OTHERS_MAY = stat.S_IRWXG | stat.S_IRWXO


def database_path(url: str) -> Path | None:
    """None: it is not a file."""
    parts = urlsplit(url)
    return Path(parts.path[1:]) if parts.scheme == "sqlite" and len(parts.path) > 1 else None


async def look(case: Case) -> Findings:
    database = database_path(case.settings.database_url)
    beside = [database.with_name(database.name + end) for end in ("", "-wal", "-shm")] if database else []
    try:
        private = [path for path in (case.env_file, *beside) if path.is_file()]
        readable = [path for path in private if path.stat().st_mode & OTHERS_MAY]
    except OSError as error:
        yield wrong(f"{error.filename} cannot be looked at ({error.strerror}).", AS_KP7)
        return
    if not private:
        yield skipped("There is neither a .env nor a database file yet.")
        return
    for path in readable:
        yield wrong(f"{path} can be read by other users of this machine.", f"chmod 600 {path}")
    if not readable:
        yield ok(f"{', '.join(path.name for path in private)}: only {_owner(private[0])} can read them.")


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:  # a number without a name, as in a container
        return f"user {path.stat().st_uid}"
