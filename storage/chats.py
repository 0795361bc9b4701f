"""What stands in a chat, and forgetting it when the session it belongs to ends."""

from collections.abc import Sequence

from storage.database import Tx


async def forget(tx: Tx, accounts: Sequence[str]) -> None:
    """Delete what these chats have shown, are about to show, and were in the middle of."""
    rows = [{"id": id} for id in accounts]
    await tx.many("DELETE FROM chat_messages WHERE account_id = :id", rows)
    await tx.many("DELETE FROM outbox WHERE account_id = :id AND purpose = 'reply'", rows)
    await tx.many("DELETE FROM conversations WHERE account_id = :id", rows)
