"""Time is milliseconds since 1970, UTC, wherever it is kept or compared; a person's day and hour are a zone's."""

import time
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000


def wall_clock() -> int:
    """Milliseconds since 1970, UTC."""
    return int(time.time() * 1000)


def moment(now: int, timezone: str = "UTC") -> datetime:
    return datetime.fromtimestamp(now / 1000, UTC).astimezone(ZoneInfo(timezone))


def local_date(now: int, timezone: str) -> date:
    return moment(now, timezone).date()
