"""A turn, its topic and its people, without any channel."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.batch import Work
from bot.events import Event, Invalid, Language, Text
from bot.flow import Ask, Choice, Conversation, Do, Script
from bot.outbox import Carrier, Entry, Outbox
from bot.policy import Policy
from bot.screen import load
from bot.settings import Settings
from bot.text import Texts, fold
from bot.topic import Context, Flow, Incoming, Registry, Topic, Visitor
from bot.turn import Turn
from bot.walk import House
from storage import chats, people
from storage.database import Database, Tx
from storage.roster import write_roster
from storage.vault import Keyring, Vault
from tests import toy
from tests.databases import insertion
from tests.storage.test_roster import SOMCHAI
from tests.toy import Check, LookUp, Save, Send, words

ID, OTHER_ID, MAIL = "1999900000013", "1999900000021", "somchai@example.go.th"
UNKNOWN, WRONG = "404", "246810"
WHEN = 1_800_000_000_000


class Keys(Texts):
    """Words that are their own keys, so that a toy needs no catalogue. A command is the last part of its key."""

    def __init__(self) -> None:
        self.used = set()

    def __call__(self, language: Language, key: str, params: Mapping[str, object] = {}) -> str:
        return key

    def has(self, key: str) -> bool:
        return False

    def words(self, key: str) -> frozenset[str]:
        return frozenset({fold(key.rpartition(".")[2])})


@dataclass(frozen=True)
class Bomb:
    fuse: str


@dataclass(frozen=True)
class Enter:
    id: str


@dataclass(frozen=True)
class Kick:
    whom: str


@dataclass(frozen=True)
class Note:
    text: str


def bomb() -> Script[None]:
    fuse = yield from Ask[str]("fuse", words)
    if fuse == "script":
        raise RuntimeError("a script with a bug")
    yield from Do[bool]("bang", Bomb(fuse))


def enter() -> Script[None]:
    id = yield from Ask[str]("who", words)
    yield from Do[bool]("entered", Enter(id), final=True)


def kick() -> Script[None]:
    whom = yield from Ask[str]("whom", words)
    yield from Do[bool]("kicked", Kick(whom), final=True)


def note() -> Script[None]:
    text = yield from Ask[str]("text", words)
    yield from Do[bool]("noted", Note(text), final=True)


def other() -> Script[None]:
    yield from Ask[str]("reason", choices=(Choice("yes"),))


def diary() -> Script[None]:
    for n in range(9):
        yield from Ask[str](f"page.{n}", words)


async def look_up(_: Context, effect: LookUp) -> bool:
    if effect.id == UNKNOWN:
        raise Invalid("unknown")
    return True


async def send(context: Context, effect: Send) -> bool:
    context.post("mail", "code", {"id": effect.id, "email": effect.email}, context.visitor.key)
    return True


async def check(_: Context, effect: Check) -> bool:
    if effect.code == WRONG:
        raise Invalid("wrong_code")
    return True


async def save(context: Context, effect: Save) -> bool:
    await context.tx.run(
        "INSERT INTO saved (account, what) VALUES (:account, :what)",
        {"account": context.visitor.external_id, "what": json.dumps([effect.id, effect.email, effect.children])},
    )
    return True


BANGS: list[str] = []


async def bang(context: Context, effect: Bomb) -> bool:
    await context.tx.run("INSERT INTO saved (account, what) VALUES (:a, 'debris')", {"a": context.visitor.external_id})
    if effect.fuse == "boom":
        BANGS.append(context.visitor.external_id)
        raise RuntimeError(f"secret {effect.fuse}")
    if effect.fuse == "constraint":
        await context.tx.run("INSERT INTO saved (account, what) VALUES (NULL, NULL)")
    return True


async def enters(context: Context, effect: Enter) -> bool:
    found = await people.by_index(context.tx, context.vault, people.national_id_index(context.vault, effect.id))
    assert found
    visitor = context.visitor
    visitor.person_id, visitor.person_key = found.id, found.key
    visitor.session = await chats.begin_session(context.tx, context.vault, visitor.chat, found.id, context.now)
    visitor.session_at = context.now
    return True


async def kicks(context: Context, effect: Kick) -> bool:
    rows = await context.tx.all(
        "UPDATE accounts SET session = NULL WHERE external_id = :whom RETURNING id", {"whom": effect.whom}
    )
    context.logged_out([row["id"] for row in rows])
    return True


async def notes(context: Context, effect: Note) -> bool:
    """As `save`, but with the batch; and a mail about it."""
    context.save(
        "INSERT INTO saved (account, what) VALUES (:account, :what)",
        {"account": context.visitor.external_id, "what": json.dumps(effect.text)},
    )
    context.post("mail", "notice", {"id": effect.text, "email": MAIL}, context.visitor.key)
    return True


def plain(script: Callable[[], Script[Any]]) -> Callable[[Any, Mapping[str, Any]], Script[Any]]:
    return lambda _facts, _args: script()


class Rig:
    """A Turn on a real database, its replies and mails by account, and what people say to it."""

    def __init__(self, url: str) -> None:
        self.url, self.now = url, WHEN
        self.vault = Vault(b"a master key that is used in tests only")
        self.poisoned: set[str] = set()
        self.batches: list[int] = []
        self.replies: dict[str, list[list[str]]] = defaultdict(list)
        self.buttons: dict[str, dict[str, str]] = {}
        self.mails: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._events = 0

    async def facts(self, _: Tx, visitors: Sequence[Visitor], __: int) -> dict[str, None]:
        if any(visitor.external_id in self.poisoned for visitor in visitors):
            raise RuntimeError("facts that do not load")
        return {visitor.id: None for visitor in visitors}

    async def open(self) -> "Rig":
        """Also after a restart: everything but the database is new."""
        self.database = await Database.open(self.url)
        self.order = insertion(self.database)
        await self.database.migrate()
        async with self.database.write() as tx:
            await tx.run("CREATE TABLE IF NOT EXISTS saved (account TEXT NOT NULL, what TEXT NOT NULL)")
        self.outbox = Outbox(self.database, self.vault, lambda: self.now)
        self.outbox.carriers.update({"toy": Carrier(self.reply), "mail": Carrier(self.mail)})
        scripts = {"register": toy.registration, "other": other, "bomb": bomb, "enter": enter, "kick": kick}
        flows = {name: Flow(plain(script), private=False) for name, script in scripts.items()}
        flows["diary"], flows["note"] = Flow(plain(diary)), Flow(plain(note))
        effects: dict[type, Any] = {
            LookUp: look_up, Send: send, Check: check, Save: save, Bomb: bang, Enter: enters, Kick: kicks,
            Note: notes,
        }  # fmt: skip
        registry = Registry(
            [Topic(flows, effects, self.facts, lambda v: tuple(flows) if v.logged_in else tuple(scripts))]
        )
        policy = Policy(Settings(_env_file=None), lambda: self.now)
        self.turn = Turn(self.database, House.of(registry, Keys(), self.vault, policy), self.outbox, lambda: self.now)
        commit = self.turn._batcher._commit

        async def counted(batch: Sequence[Work]) -> Sequence[Work]:
            self.batches.append(len(batch))
            return await commit(batch)

        self.turn._batcher._commit = counted
        return self

    async def close(self) -> None:
        if self.turn._batcher._task is None:
            self.turn.start()
        await self.turn.stop()
        await self.outbox.stop()
        await self.database.close()

    async def reply(self, entry: Entry) -> None:
        message = entry.content["message"]
        self.replies[entry.content["to"]].append(message["lines"])
        self.buttons[entry.content["to"]] = {button["label"]: button["data"] for button in message["buttons"]}

    async def mail(self, entry: Entry) -> None:
        assert entry.account_id is not None
        self.mails[entry.account_id].append((entry.content["id"], entry.content["email"]))

    def event(self, who: str, what: str | Event, event_id: str = "") -> Incoming:
        self._events += 1
        event = Text(what) if isinstance(what, str) else what
        return Incoming("toy", who, event_id or f"event {self._events}", event)

    async def together(self, *incoming: Incoming) -> list[str | BaseException]:
        """All of them wait before the first batch is gathered; then what each one's request hears."""
        tasks = [asyncio.create_task(self.turn.take(one)) for one in incoming]
        await asyncio.sleep(0)
        if self.turn._batcher._task is None:
            self.turn.start()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        await self.quiet()
        return list(outcomes)

    async def say(self, who: str, *said: str | Event) -> list[str]:
        """One after the other; the lines of the last reply."""
        for what in said:
            self.now += 1_000
            assert await self.together(self.event(who, what)) == ["done"]
        return self.replies[who][-1] if self.replies[who] else []

    async def quiet(self) -> None:
        async with asyncio.timeout(10):
            await self.outbox.lanes.rest()

    async def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        async with self.database.read() as tx:
            return await tx.all(sql, params)

    async def change(self, sql: str, **params: Any) -> None:
        async with self.database.write() as tx:
            await tx.run(sql, params)

    async def talk(self, who: str) -> Conversation:
        """What is stored of this account's conversation."""
        rows = await self.rows(
            "SELECT a.id, c.state, ck.id AS ck, ck.wrapped AS cw, pk.id AS pk, pk.wrapped AS pw FROM accounts a "
            "JOIN conversations c ON c.account_id = a.id JOIN keys ck ON ck.id = a.key_id "
            "LEFT JOIN people p ON p.id = a.person_id LEFT JOIN keys pk ON pk.id = p.key_id "
            "WHERE a.external_id = :who",
            who=who,
        )
        if not rows:
            return Conversation()
        row = rows[0]
        person = self.vault.unwrap(row["pk"], row["pw"]) if row["pw"] else None
        ring = Keyring(self.vault.unwrap(row["ck"], row["cw"]), person)
        return load(ring.open(row["state"], "conversations", row["id"], "state"))

    async def saved(self, who: str) -> list[Any]:
        return [
            json.loads(row["what"])
            for row in await self.rows(f"SELECT what FROM saved WHERE account = :who ORDER BY {self.order}", who=who)
        ]

    async def add_somchai(self) -> None:
        async with self.database.write() as tx:
            await write_roster(tx, self.vault, [replace(SOMCHAI, national_id=ID)], 1)
