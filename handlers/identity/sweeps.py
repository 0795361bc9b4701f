"""What falls due by the clock in this topic."""

from collections.abc import Sequence

from bot.notices import Notices, Words
from bot.outbox import Entry
from bot.schedule import Sweep
from bot.settings import Settings
from storage.database import Tx

MINUTE = 60_000


def of(settings: Settings, notices: Notices) -> Sequence[Sweep]:
    async def leave_shared_phones(tx: Tx, now: int) -> Sequence[Entry]:
        """A phone that several people use logs out by itself, and nothing of the last person stays on it."""
        gone = await tx.all(
            "UPDATE accounts SET session = NULL, person_id = NULL, staff_group = NULL "
            "WHERE shared = 1 AND session IS NOT NULL AND seen_at < :before RETURNING id",
            {"before": now - settings.shared_idle_minutes * MINUTE},
        )
        await tx.many("DELETE FROM chat_messages WHERE account_id = :id", gone)
        await tx.many("DELETE FROM conversations WHERE account_id = :id", gone)
        accounts = await tx.each(
            "SELECT a.id, a.channel, a.external_id, a.language, a.key_id, k.wrapped AS wrapped FROM each(:batch) e "
            "JOIN accounts a ON a.id = e.value ->> 'id' JOIN keys k ON k.id = a.key_id",
            gone,
        )
        return [notices.to_chat(row, Words("session_over", {}), now, fresh=True) for row in accounts]

    return (leave_shared_phones,)
