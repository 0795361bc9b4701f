"""Chats: ending a session, and forgetting what stands in the chat it belongs to."""

from collections.abc import Sequence

from storage.database import Tx


async def end_sessions(tx: Tx, accounts: Sequence[str], *, unlink: bool) -> None:
    """The one way a session ends. Nothing of it stays: what was shown, is about to be shown, or was in the middle.

    `unlink`: the chat is nobody's any more; the next person starts with the privacy notice.
    """
    rows = [{"id": id, "unlink": int(unlink)} for id in accounts]
    await tx.many(
        "UPDATE accounts SET session = NULL, session_at = NULL, confirmed_at = NULL, "
        "person_id = CASE WHEN :unlink = 1 THEN NULL ELSE person_id END, "
        "staff_group = CASE WHEN :unlink = 1 THEN NULL ELSE staff_group END, "
        "notice = CASE WHEN :unlink = 1 THEN NULL ELSE notice END WHERE id = :id",
        rows,
    )
    await tx.many("DELETE FROM chat_messages WHERE account_id = :id", rows)
    await forget_unsent(tx, accounts)
    await tx.many("DELETE FROM conversations WHERE account_id = :id", rows)


async def forget_unsent(tx: Tx, accounts: Sequence[str]) -> None:
    """Screens that are not out yet: nobody may, or can, see them any more."""
    rows = await tx.each(
        "DELETE FROM outbox WHERE purpose IN ('reply', 'news') "
        "AND account_id IN (SELECT value ->> 'id' FROM each(:batch)) RETURNING id",
        [{"id": id} for id in accounts],
    )
    tx.cancelled.update(row["id"] for row in rows)
