"""When a session is over (SES1): nothing said for too long, or too old altogether.

One rule in two forms, held together by a test: `Limits.over` for what is loaded, `OVER` for sets in the database. Age
counts in both directions: a clock that was set back must not lengthen a session.
"""

from dataclasses import dataclass

from bot.settings import Settings
from bot.times import DAY, HOUR, MINUTE


@dataclass(frozen=True)
class Limits:
    """Milliseconds. `idle`: since the person last said something; `total`: since the session began."""

    idle: int
    total: int

    @classmethod
    def of(cls, settings: Settings, channel: str, *, shared: bool) -> "Limits":
        if channel == "web":
            idle, total = settings.web_idle_minutes * MINUTE, settings.web_total_hours * HOUR
        else:
            idle, total = settings.chat_idle_hours * HOUR, settings.chat_total_days * DAY
        return cls(min(idle, settings.shared_idle_minutes * MINUTE) if shared else idle, total)

    def over(self, seen_at: int, session_at: int, now: int) -> bool:
        return abs(now - seen_at) > self.idle or abs(now - session_at) > self.total


# Of rows of `accounts` with a session; :now, and :idle and :total of `Limits`.
OVER = "(ABS(:now - seen_at) > :idle OR ABS(:now - session_at) > :total)"
