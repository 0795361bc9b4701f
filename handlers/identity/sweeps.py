"""What falls due by the clock in this topic."""

from collections.abc import Mapping
from dataclasses import asdict

from bot.policy import Policy
from bot.session import OVER, Limits
from bot.topic import Sweep, Words
from storage import chats
from storage.database import Tx

# Where somebody else may look next: by accounts' columns, and as `Limits` asks. A person's own chat on LINE or Telegram
# keeps what was said anyway: its session ends when it is next used.
_UNATTENDED = (
    ("channel <> 'web' AND shared = 1", "", True),
    ("channel = 'web' AND shared = 1", "web", True),
    ("channel = 'web' AND shared = 0", "web", False),
)


def unattended(policy: Policy) -> Sweep:
    async def end_idle_sessions(tx: Tx, now: int) -> Mapping[str, Words]:
        """A phone that several people use, and a browser, log out by themselves; nothing of the person stays there."""
        settings = policy.settings
        gone: list[str] = []
        for which, channel, shared in _UNATTENDED:
            rows = await tx.all(
                f"SELECT id FROM accounts WHERE {which} AND session IS NOT NULL AND {OVER} "  # noqa: S608  constants
                "ORDER BY id FOR UPDATE SKIP LOCKED",  # somebody who writes right now is not gone
                {"now": now, **asdict(Limits.of(settings, channel, shared=shared))},
            )
            over = [row["id"] for row in rows]
            await chats.end_sessions(tx, over, unlink=shared)
            gone += over
        # somebody who proved who they are and walked away: the next person at that browser must not go on with it
        left = await tx.all(
            "SELECT a.id FROM conversations c JOIN accounts a ON a.id = c.account_id "
            "WHERE c.seen_at < :before AND a.session IS NULL AND (a.channel = 'web' OR a.shared = 1) AND NOT EXISTS "
            "(SELECT 1 FROM identity_checks i WHERE i.account_id = a.id AND i.decided_at IS NULL) "
            "ORDER BY a.id FOR UPDATE OF a SKIP LOCKED",
            {"before": now - Limits.of(settings, "web", shared=False).idle},
        )
        await chats.end_sessions(tx, [row["id"] for row in left], unlink=False)
        return dict.fromkeys(gone, Words("session_over", fresh=True, menu=("login",)))

    return end_idle_sessions
