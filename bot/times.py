"""Time is milliseconds since 1970, UTC, wherever it is kept or compared; a person's day and hour are a zone's."""

import re
import time
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
BE = 543  # Buddhist Era = Common Era + 543
_ISO = re.compile(r"([0-9]{4})(-[0-9]{2}-[0-9]{2})")


def wall_clock() -> int:
    """Milliseconds since 1970, UTC."""
    return int(time.time() * 1000)


def moment(now: int, timezone: str = "UTC") -> datetime:
    return datetime.fromtimestamp(now / 1000, UTC).astimezone(ZoneInfo(timezone))


def local_date(now: int, timezone: str) -> date:
    return moment(now, timezone).date()


def day(typed: str) -> date:
    """What an operator typed: `2018-10-01`, CE. Raises `ValueError` with a sentence that has no full stop.

    A Buddhist year is not taken for one, as an import takes it: here nobody would see it before the day has come.
    """
    if found := _ISO.fullmatch(typed):
        year, rest = found.groups()
        meant = f"{int(year) - BE}{rest}"
        if int(year) >= 2400 and _exists(meant):
            raise ValueError(f"{year} is {int(year) - BE} CE: write {meant}")
        if _exists(typed):
            return date.fromisoformat(typed)
    raise ValueError("is no day, such as 2018-10-01 (CE)")


def _exists(iso: str) -> bool:
    try:
        date.fromisoformat(iso)
    except ValueError:
        return False
    return True
