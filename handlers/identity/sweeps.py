"""What falls due by the clock in this topic."""

from collections.abc import Sequence

from bot.notices import Notices, Words
from bot.outbox import Entry
from bot.schedule import Sweep
from bot.settings import Settings
from storage import chats
from storage.database import Row, Tx

MINUTE, HOUR = 60_000, 3_600_000


def of(settings: Settings, notices: Notices) -> Sequence[Sweep]:
    async def end_idle_sessions(tx: Tx, now: int) -> Sequence[Entry]:
        """A phone that several people use, and a browser, log out by themselves; nothing of the person stays there.

        A person's own chat on LINE or Telegram keeps what was said anyway: its session ends when it is next used.
        """
        shared = await tx.all(
            "SELECT id FROM accounts WHERE shared = 1 AND session IS NOT NULL AND seen_at < :before",
            {"before": now - settings.shared_idle_minutes * MINUTE},
        )
        await chats.end_sessions(tx, [row["id"] for row in shared], unlink=True)
        web = await tx.all(
            "SELECT id FROM accounts WHERE channel = 'web' AND session IS NOT NULL "
            "AND (seen_at < :before OR session_at < :begun)",
            {
                "before": now - settings.web_idle_minutes * MINUTE,
                "begun": now - settings.web_total_hours * HOUR,
            },
        )
        await chats.end_sessions(tx, [row["id"] for row in web], unlink=False)
        gone: list[Row] = [*shared, *web]
        # somebody who proved who they are and walked away: the next person at that browser must not go on with it
        left = await tx.all(
            "SELECT a.id FROM conversations c JOIN accounts a ON a.id = c.account_id "
            "WHERE c.seen_at < :before AND a.session IS NULL AND (a.channel = 'web' OR a.shared = 1) AND NOT EXISTS "
            "(SELECT 1 FROM identity_checks i WHERE i.account_id = a.id AND i.decided_at IS NULL)",
            {"before": now - settings.web_idle_minutes * MINUTE},
        )
        await chats.end_sessions(tx, [row["id"] for row in left], unlink=False)
        accounts = await tx.each(
            "SELECT a.id, a.channel, a.external_id, a.language, a.key_id, k.wrapped AS wrapped FROM each(:batch) e "
            "JOIN accounts a ON a.id = e.value ->> 'id' JOIN keys k ON k.id = a.key_id",
            gone,
        )
        return [notices.to_chat(row, Words("session_over", {}, fresh=True, menu=("login",)), now) for row in accounts]

    return (end_idle_sessions,)
