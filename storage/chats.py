"""Chats: beginning and ending a session, and forgetting what stands in the chat it belongs to."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from storage.database import Tx
from storage.macs import fits, mac
from storage.vault import Vault

_BOUND = ("id", "channel", "external_id", "key_id", "person_id", "session_at")


async def begin_session(tx: Tx, vault: Vault, chat: Mapping[str, str], person_id: str, now: int) -> str:
    """The one way a session begins. `chat`: id, channel, external_id and key_id of its account. → the session

    256 random bits, and a MAC: this chat is this person's since then. So whoever writes the database but has not
    `MASTER_KEY` makes no chat somebody else's, and no session longer.
    """
    account = {**chat, "person_id": person_id, "session_at": now}
    token = secrets.token_urlsafe(32)
    session = f"{token}.{mac(*_sealed(vault, account, token))}"
    await tx.run(
        "UPDATE accounts SET person_id = :person_id, session = :session, session_at = :session_at, staff_group = NULL "
        "WHERE id = :id",
        {**account, "session": session},
    )
    return session


def genuine(vault: Vault, account: Mapping[str, Any]) -> bool:
    """Did KP7 begin the session of this row?"""
    token, _, given = str(account["session"]).partition(".")
    return fits(given, *_sealed(vault, account, token))


def _sealed(vault: Vault, account: Mapping[str, Any], token: str) -> tuple[bytes, *tuple[object, ...]]:
    return (vault.secret("sessions"), token, *(account[column] for column in _BOUND))


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
    await forget_talk(tx, accounts)


async def hears(tx: Tx, person_id: str) -> bool:
    """Is there a chat in which this person can be told something unasked?"""
    reached = (
        "SELECT 1 FROM accounts WHERE person_id = :person AND reachable = 1 "
        "AND (channel <> 'web' OR session IS NOT NULL) LIMIT 1"
    )
    return await tx.one(reached, {"person": person_id}) is not None


async def forget_talk(tx: Tx, accounts: Sequence[str]) -> None:
    """What was said there, is about to be shown, or was in the middle."""
    rows = [{"id": id} for id in accounts]
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
