"""Rows that are not yet messages: notices to a person, results on their way back into a conversation.

A notice names what happened and whom it concerns. The first claim asks its topic whether it is still true and how
to say it, picks the chat and its language, and writes the finished message in its place, so that every later
attempt carries the same body.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.events import Button, Language, Message, Refresh, Result, Say
from bot.outbox import Carrier, Entry, Outbox
from bot.screen import Buttons, menu_button
from bot.text import Texts
from bot.topic import Act, Incoming, Registry, Take, Words
from bot.walk import message_json
from storage import keys
from storage.database import Database, Row, Tx
from storage.vault import Vault


class Notices:
    def __init__(
        self,
        database: Database,
        vault: Vault,
        outbox: Outbox,
        texts: Texts,
        registry: Registry,
        clock: Callable[[], int],
    ) -> None:
        self._database, self._vault, self._outbox, self._texts = database, vault, outbox, texts
        self._registry, self._clock = registry, clock
        self._buttons = Buttons(vault.secret("buttons"))

    async def deliver(self, entry: Entry) -> None:
        now = self._clock()
        async with self._database.write() as tx:
            # one transaction: the notice is gone exactly when its message exists
            if not await tx.run("DELETE FROM outbox WHERE id = :id", {"id": entry.id}):
                return  # cancelled, or another process has done it
            words = await self._registry.notices[entry.purpose](tx, entry, now)
            frozen = await self._freeze(tx, entry, words, now) if words else []
            written = await self._outbox.insert(tx, frozen)
        self._outbox.dispatch(written)

    async def tell(self, tx: Tx, told: Mapping[str, Words], now: int) -> Sequence[Entry]:
        """A finished message for each of these accounts."""
        accounts = await tx.each(
            "SELECT a.id, a.person_id, a.channel, a.external_id, a.language, a.key_id, k.wrapped AS wrapped "
            "FROM each(:batch) e JOIN accounts a ON a.id = e.value ->> 'id' JOIN keys k ON k.id = a.key_id",
            [{"id": id} for id in told],
        )
        return [self._to_chat(account, told[account["id"]], now) for account in accounts]

    async def mail_undelivered(self, tx: Tx, entry: Entry) -> Sequence[Entry]:
        """Somebody may be waiting for this mail, which will never arrive."""
        words = self._registry.undelivered.get(entry.purpose)
        if words is None or entry.account_id is None:
            return []
        return await self.tell(tx, {entry.account_id: words}, self._clock())

    async def _freeze(self, tx: Tx, entry: Entry, words: Words, now: int) -> Sequence[Entry]:
        accounts = await tx.all(
            "SELECT a.id, a.person_id, a.channel, a.external_id, a.language, a.key_id, k.wrapped AS wrapped "
            "FROM accounts a JOIN keys k ON k.id = a.key_id "
            "WHERE a.reachable = 1 AND (a.id = :account OR (:account IS NULL AND a.person_id = :person "
            "AND (a.channel <> 'web' OR a.session IS NOT NULL))) ORDER BY a.seen_at DESC",
            {"account": entry.account_id, "person": entry.person_id},
        )
        if accounts:
            return [self._to_chat(accounts[0], words, now)]
        key = await keys.by_id(tx, self._vault, entry.key_id)
        if not words.mail or key is None:
            return []
        content = {"to": words.mail, "language": "th", "text": f"mail.{words.text}", "params": _plain(words.params)}
        return [Entry.make("mail", "notice", content, key, now=now, person_id=entry.person_id)]

    def _to_chat(self, account: Row, words: Words, now: int) -> Entry:
        """A finished message."""
        key = self._vault.unwrap(account["key_id"], account["wrapped"])
        language = account["language"]
        said = (self._texts(language, words.text, words.params),)
        # they are somebody's: where nobody is behind the chat any more, there are none
        acts = (self._act(account, language, act) for act in words.buttons if account["person_id"])
        menu = (menu_button(self._texts, language, name) for name in words.menu)
        message = Message(said, (*acts, *menu), language=language, fresh=words.fresh, pictures=words.pictures)
        return Entry.make(
            account["channel"],
            "notice",
            {"to": account["external_id"], "message": message_json(message)},
            key,
            now=now,
            account_id=account["id"],
            # in a lane of its own, so that it never holds up an answer; but what clears the chat goes in order
            lane="" if words.fresh else f"{account['channel']}:{account['id']}:notice",
        )

    def _act(self, account: Row, language: Language, act: Act) -> Button:
        label = self._texts(language, act.label or f"act.{self._registry.acts[act.letter]}", act.params)
        token = self._buttons.act(account["id"], account["person_id"], act.letter, act.item, act.seen)
        return Button(label, token, act.style)


def _plain(params: Mapping[str, object]) -> dict[str, Any]:
    return {k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in params.items()}


def events(take: Take) -> Carrier:
    """Rows that become events: content {channel, external_id}, and `result` or `refresh`: the fields of that event.

    `token`, `token_until`: of the event that they answer, if there are any; `person`: whom alone it concerns, if so.
    """

    async def deliver(entry: Entry) -> None:
        content = entry.content
        event_id = f"outbox:{entry.id}"  # carried twice, taken once
        event = Result(**content["result"]) if "result" in content else _refresh(**content["refresh"])
        token, until = content.get("token", ""), content.get("token_until", 0)
        whose = (content["channel"], content["external_id"])
        person = content.get("person", "")
        await take(Incoming(*whose, event_id, event, token=token, token_until=until, person=person))

    return Carrier(deliver)


def _refresh(*, say: Sequence[Mapping[str, Any]] = (), **given: str) -> Refresh:
    return Refresh(**given, say=tuple(Say(**one) for one in say))
