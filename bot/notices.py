"""Rows that are not yet messages: notices to a person, results on their way back into a conversation.

A notice names what happened and whom it concerns. The first claim asks its topic whether it is still true and how
to say it, picks the chat and its language, and writes the finished message in its place, so that every later
attempt carries the same body.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.events import Message, Result
from bot.outbox import Carrier, Entry, Outbox
from bot.screen import menu_button
from bot.text import Texts
from bot.topic import Incoming
from bot.walk import message_json
from storage.database import Database, Row, Tx
from storage.vault import Key, Vault


@dataclass(frozen=True)
class Words:
    """A notice that is still true. `mail`: where to write if the person has no chat. `menu`: flows to offer with it.

    `fresh`: what stood in the chat before is somebody else's now, and goes.
    """

    text: str
    params: Mapping[str, object]
    mail: str = ""
    fresh: bool = False
    menu: tuple[str, ...] = ()


# Of a notice's purpose: (tx, entry) → its words, or None when it is no longer true.
Truth = Callable[[Tx, Entry], Awaitable[Words | None]]


class Notices:
    def __init__(
        self,
        database: Database,
        vault: Vault,
        outbox: Outbox,
        texts: Texts,
        truths: Mapping[str, Truth],
        clock: Callable[[], int],
    ) -> None:
        self._database, self._vault, self._outbox, self._texts = database, vault, outbox, texts
        self._truths, self._clock = truths, clock

    async def deliver(self, entry: Entry) -> None:
        async with self._database.write() as tx:
            words = await self._truths[entry.purpose](tx, entry)
            frozen = await self._freeze(tx, entry, words) if words else []
            # one transaction: the notice is gone exactly when its message exists
            await tx.run("DELETE FROM outbox WHERE id = :id", {"id": entry.id})
            await self._outbox.insert(tx, frozen)
        self._outbox.dispatch(frozen)

    async def _freeze(self, tx: Tx, entry: Entry, words: Words) -> Sequence[Entry]:
        accounts = await tx.all(
            "SELECT a.id, a.channel, a.external_id, a.language, a.key_id, k.wrapped AS wrapped "
            "FROM accounts a JOIN keys k ON k.id = a.key_id "
            "WHERE a.id = :account OR (:account IS NULL AND a.person_id = :person "
            "AND (a.channel <> 'web' OR a.session IS NOT NULL)) ORDER BY a.seen_at DESC",
            {"account": entry.account_id, "person": entry.person_id},
        )
        now = self._clock()
        if accounts:
            return [self.to_chat(accounts[0], words, now)]
        if not words.mail:
            return []
        key = await self.key(tx, entry.key_id)
        content = {"to": words.mail, "language": "th", "text": f"mail.{words.text}", "params": _plain(words.params)}
        return [Entry.make("mail", "notice", content, key, now=now, person_id=entry.person_id)]

    def to_chat(self, account: Row, words: Words, now: int) -> Entry:
        """A finished message."""
        key = self._vault.unwrap(account["key_id"], account["wrapped"])
        language = account["language"]
        said = (self._texts(language, words.text, words.params),)
        buttons = tuple(menu_button(self._texts, language, name) for name in words.menu)
        message = Message(said, buttons, language=language, fresh=words.fresh)
        return Entry.make(
            account["channel"],
            "notice",
            {"to": account["external_id"], "message": message_json(message)},
            key,
            now=now,
            account_id=account["id"],
        )

    async def key(self, tx: Tx, key_id: str) -> Key:
        row = await tx.one("SELECT wrapped FROM keys WHERE id = :id", {"id": key_id})
        assert row is not None
        return self._vault.unwrap(key_id, row["wrapped"])

    async def code_not_delivered(self, tx: Tx, entry: Entry) -> Sequence[Entry]:
        """A mailed code will never arrive: the person who waits for it must hear so, in the chat."""
        if entry.purpose != "code" or entry.account_id is None:
            return []
        asked = Entry.make(
            "notice",
            "code_undelivered",
            {},
            await self.key(tx, entry.key_id),
            now=self._clock(),
            account_id=entry.account_id,
        )
        return [asked]


def _plain(params: Mapping[str, object]) -> dict[str, Any]:
    return {k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in params.items()}


async def code_undelivered(_tx: Tx, _entry: Entry) -> Words:
    return Words("notice.code_undelivered", {})


def events(take: Callable[[Incoming], Awaitable[str]]) -> Carrier:
    """Rows that become events: content {channel, external_id, result}."""

    async def deliver(entry: Entry) -> None:
        content = entry.content
        event_id = f"outbox:{entry.id}"  # carried twice, taken once
        await take(Incoming(content["channel"], content["external_id"], event_id, Result(**content["result"])))

    return Carrier(deliver)
