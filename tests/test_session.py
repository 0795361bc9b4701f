"""The rule by which sessions end, in both its forms."""

import sqlite3
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.session import OVER, Limits
from bot.settings import Settings
from bot.times import DAY, HOUR, MINUTE

SETTINGS = Settings(_env_file=None)
NOW = 1_800_000_000_000


@pytest.mark.parametrize(
    ("channel", "shared", "limits"),
    [
        ("web", False, Limits(HOUR, DAY)),
        ("web", True, Limits(15 * MINUTE, DAY)),
        ("line", False, Limits(12 * HOUR, 7 * DAY)),
        ("telegram", True, Limits(15 * MINUTE, 7 * DAY)),
    ],
)
def test_a_browser_is_kept_shorter_and_a_shared_phone_shortest(channel: str, shared: bool, limits: Limits) -> None:
    assert Limits.of(SETTINGS, channel, shared=shared) == limits


def test_sharing_never_lengthens_a_session() -> None:
    brief = SETTINGS.model_copy(update={"web_idle_minutes": 5})
    assert Limits.of(brief, "web", shared=True).idle == 5 * MINUTE


@pytest.mark.parametrize(
    ("seen", "begun", "over"),
    [
        (0, 0, False),
        (-HOUR, -HOUR, False),
        (-HOUR - 1, -HOUR - 1, True),
        (-1, -DAY, False),
        (-1, -DAY - 1, True),
        (HOUR + 1, 0, True),
        (0, DAY + 1, True),
    ],
)
def test_silence_ends_it_and_age_ends_it_by_any_clock(seen: int, begun: int, over: bool) -> None:
    limits = Limits.of(SETTINGS, "web", shared=False)
    assert limits.over(NOW + seen, NOW + begun, NOW) is over


LENGTHS = st.integers(1, 30)
TIMES = st.integers(NOW - 40, NOW + 40)


@given(idle=LENGTHS, total=LENGTHS, seen_at=TIMES, session_at=TIMES)
def test_the_database_and_we_agree(idle: int, total: int, seen_at: int, session_at: int) -> None:
    limits = Limits(idle, total)
    database = sqlite3.connect(":memory:")
    (over,) = database.execute(
        f"SELECT {OVER} FROM (SELECT :seen_at AS seen_at, :session_at AS session_at)",
        {"now": NOW, "seen_at": seen_at, "session_at": session_at, **asdict(limits)},
    ).fetchone()
    database.close()
    assert bool(over) is limits.over(seen_at, session_at, NOW)
