"""Laws 2 and 3: one event, one transaction, once; many at a time as if one after the other."""

import asyncio
import json
import random
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot.batch import TRIES, Work
from bot.events import Event, Invalid, Language, Press, Result, Text
from bot.flow import Ask, Choice, Conversation, Do, Script
from bot.outbox import Carrier, Entry, Outbox
from bot.policy import Policy
from bot.screen import load
from bot.settings import Settings
from bot.text import Texts, fold
from bot.topic import Context, Flow, Incoming, Registry, Topic, Visitor
from bot.turn import Turn
from bot.walk import House
from storage import people
from storage.database import Database, Tx, Unavailable
from storage.ids import new_id
from storage.roster import write_roster
from storage.vault import Keyring, Vault
from tests import toy
from tests.databases import insertion, on_a_file, sqlite
from tests.storage.test_roster import MALEE, SOMCHAI
from tests.toy import Check, LookUp, Model, Refused, Save, Send, words

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


# --- a topic --------------------------------------------------------------------------------------------------------


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
    visitor.session, visitor.session_at = new_id(), context.now
    await context.tx.run(
        "UPDATE accounts SET person_id = :person, session = :session, session_at = :now WHERE id = :id",
        {"person": found.id, "session": visitor.session, "now": context.now, "id": visitor.id},
    )
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
            while self.outbox._tasks:
                await asyncio.gather(*self.outbox._tasks)

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


@pytest.fixture
async def rig(database_url: str) -> AsyncIterator[Rig]:
    BANGS.clear()
    rig = await Rig(database_url).open()
    yield rig
    await rig.close()


# --- many at a time -------------------------------------------------------------------------------------------------


SAID = (
    "register", "other", "back", "cancel", "help", "1", "2", ID, UNKNOWN, MAIL, MAIL, "malee@example.go.th", "123456",
    WRONG, "Nok", "choice.single", "choice.family", "choice.save", "choice.edit_id", "choice.edit_email",
    "choice.edit_kind", "choice.resend", "choice.yes",
)  # fmt: skip
STRAIGHT = ("register", ID, MAIL, MAIL, "123456", "choice.family", "2", "Nok", "Ek", "choice.save")


def perform(effect: Any) -> None:
    if effect == LookUp(UNKNOWN) or (isinstance(effect, Check) and effect.code == WRONG):
        raise Refused


def hears(model: Model, text: str) -> None:
    offered = Model.OFFERS.get(model.question, ())
    if text.startswith("choice.") and text.removeprefix("choice.") in offered:
        model.press(text.removeprefix("choice."))
    elif text in ("register", "other"):
        model.start(text)
    elif text == "back":
        model.back()
    elif text == "cancel":
        model.cancel()
    elif text != "help":
        model.say(text)


def a_chat(chance: random.Random) -> list[str]:
    """Mostly straight on, with anything in between."""
    said: list[str] = []
    for text in STRAIGHT * 2:
        said.append(text)
        while chance.random() < 0.3:
            said.append(chance.choice(SAID))
    return said


@pytest.mark.parametrize("seed", range(4))
async def test_many_at_once_end_as_if_each_had_been_alone(rig: Rig, seed: int) -> None:
    chance = random.Random(seed)
    chats = {f"person {n}": a_chat(chance) for n in range(20)}
    models = {who: Model(perform) for who in chats}
    left = {who: list(said) for who, said in chats.items()}
    incoming: list[Incoming] = []
    while left:
        who = chance.choice(sorted(left))
        text = left[who].pop(0)
        incoming.append(rig.event(who, text))
        if chance.random() < 0.1:
            incoming.append(incoming[-1])  # the platform sends it again
        if not left[who]:
            del left[who]
    outcomes = await rig.together(*incoming)
    assert outcomes.count("done") == sum(len(said) for said in chats.values())
    assert set(outcomes) == {"done", "duplicate"}
    assert max(rig.batches) == len(chats), "nothing was batched"
    accounts = {row["external_id"]: row["id"] for row in await rig.rows("SELECT id, external_id FROM accounts")}
    for who, said in chats.items():
        model = models[who]
        for text in said:
            hears(model, text)
        convo = await rig.talk(who)
        assert [frame.flow for frame in convo.frames] == model.stack
        kept = next((frame.results for frame in convo.frames if frame.flow == "register"), {})
        assert {key: value for key, (value, _) in kept.items()} == model.kept
        assert await rig.saved(who) == [[e.id, e.email, list(e.children)] for e in model.did if isinstance(e, Save)]
        assert rig.mails[accounts[who]] == [(e.id, e.email) for e in model.did if isinstance(e, Send)]
        asked = "child" if model.question.startswith("child.") else model.question
        assert len(rig.replies[who]) == len(said)
        assert rig.replies[who][-1][-1] == (f"ask.{asked}" if asked else "home.choose") or said[-1] == "help"
    assert len(await rig.rows("SELECT * FROM saved")) >= 10, "too few got to the end to prove anything"


async def test_fifty_times_the_same_event_is_one(rig: Rig) -> None:
    await rig.say("somchai", "enter")
    event = rig.event("somchai", "cancel")
    one = rig.event("somchai", "register", "again and again")
    outcomes = await rig.together(event, *[one] * 50)
    assert outcomes.count("done") == 2
    assert outcomes.count("duplicate") == 49
    assert len(rig.replies["somchai"]) == 3
    assert await rig.together(one) == ["duplicate"]
    [row] = await rig.rows("SELECT outcome FROM inbox WHERE event_id = 'again and again'")
    assert row["outcome"] == "done"


async def test_one_accounts_events_keep_their_order(rig: Rig) -> None:
    said = ["register", ID, MAIL, MAIL, "123456", "choice.family", "3", "Nok", "Ek", "Tao"]
    events = {who: [rig.event(who, text) for text in said] for who in ("somchai", "malee")}
    mixed = [event for pair in zip(*events.values(), strict=True) for event in pair]
    assert set(await rig.together(*mixed)) == {"done"}
    for who in events:
        kept = {key: value for key, (value, _) in (await rig.talk(who)).frames[0].results.items()}
        assert [kept[f"child.{n}"] for n in range(3)] == ["Nok", "Ek", "Tao"]
    rows = await rig.rows(f"SELECT event_id FROM inbox ORDER BY {rig.order}")
    for sent in events.values():
        ids = [event.event_id for event in sent]
        assert [row["event_id"] for row in rows if row["event_id"] in ids] == ids


async def test_of_two_accounts_that_come_with_the_same_event_id_only_the_first_is_heard(rig: Rig) -> None:
    await rig.say("somchai", "register")
    await rig.say("malee", "register")
    events = [rig.event(who, ID, "the same") for who in ("somchai", "malee")]
    assert await rig.together(*events) == ["done", "duplicate"]
    assert rig.batches[-1] == 2, "they were to meet in one batch"
    assert [*(await rig.talk("somchai")).frames[0].results] == ["id", "found"]
    assert [*(await rig.talk("malee")).frames[0].results] == []
    assert len(rig.replies["malee"]) == 1
    [row] = await rig.rows("SELECT external_id FROM inbox JOIN accounts ON id = account_id WHERE event_id = 'the same'")
    assert row["external_id"] == "somchai"


# --- one that fails -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fuse", ["boom", "constraint", "script"])
async def test_a_bug_harms_no_neighbour(rig: Rig, fuse: str) -> None:
    others = [f"person {n}" for n in range(9)]
    await rig.together(*(rig.event(who, "register") for who in others), rig.event("anan", "bomb"))
    events = [rig.event(who, ID) for who in others]
    events.insert(4, rig.event("anan", fuse, "the bad one"))
    outcomes = await rig.together(*events)
    assert outcomes.pop(4) == "dead"
    assert outcomes == ["done"] * 9
    for who in others:
        assert [*(await rig.talk(who)).frames[0].results] == ["id", "found"]
        assert len(rig.replies[who]) == 2
    assert await rig.rows("SELECT * FROM saved") == [], "something half-written stayed"
    [row] = await rig.rows("SELECT outcome FROM inbox WHERE event_id = 'the bad one'")
    assert row["outcome"] == "dead"
    assert rig.replies["anan"][-1] == ["error.internal", "home.choose"]
    assert rig.batches[-TRIES - 1 :].count(1) >= TRIES or rig.batches.count(1) > TRIES
    if fuse == "boom":
        assert BANGS.count("anan") >= TRIES
    assert await rig.together(rig.event("anan", fuse, "the bad one")) == ["duplicate"]
    assert (await rig.say("anan", "register"))[-1] == "ask.id"
    assert (await rig.say("anan", ID))[-1] == "ask.email"


async def test_facts_that_do_not_load_end_in_an_apology_too(rig: Rig) -> None:
    await rig.say("somchai", "register", ID)
    await rig.say("malee", "register")
    rig.poisoned = {"somchai"}
    outcomes = await rig.together(rig.event("somchai", MAIL), rig.event("malee", ID))
    assert outcomes == ["dead", "done"]
    assert rig.replies["somchai"][-1][0] == "error.internal"
    rig.poisoned = set()
    assert (await rig.say("somchai", "register"))[-1] == "ask.id"


async def test_an_account_whose_key_does_not_open_is_refused_and_its_neighbours_are_served(rig: Rig) -> None:
    for who in ("anan", "somchai", "malee"):
        await rig.say(who, "register")
    await rig.change(
        "UPDATE keys SET wrapped = 'x' WHERE id = (SELECT key_id FROM accounts WHERE external_id = 'somchai')"
    )
    batches = len(rig.batches)
    outcomes = await rig.together(*(rig.event(who, ID) for who in ("anan", "somchai", "malee")))
    assert outcomes == ["done", "dead", "done"]
    assert rig.batches[batches:] == [3], "it would fail for ever: nothing is tried again"
    assert rig.replies["anan"][-1] == rig.replies["malee"][-1] == ["ask.email"]
    assert len(rig.replies["somchai"]) == 1


# --- a database that cannot -----------------------------------------------------------------------------------------


@on_a_file
async def test_a_locked_database_refuses_all_and_then_takes_all(rig: Rig) -> None:
    await rig.say("somchai", "register")
    await sqlite(rig.database)._writer.execute("PRAGMA busy_timeout=10")
    lock = sqlite3.connect(sqlite(rig.database).path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    events = [rig.event("somchai", ID), *(rig.event(f"person {n}", "register") for n in range(5))]
    outcomes = await rig.together(*events)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 6
    assert len(await rig.rows("SELECT * FROM inbox")) == 1
    lock.execute("ROLLBACK")
    lock.close()
    assert await rig.together(*events) == ["done"] * 6
    assert rig.replies["somchai"][-1] == ["ask.email"]


@on_a_file
async def test_a_full_disk_refuses_all_leaves_nothing_half_written_and_then_takes_all(rig: Rig) -> None:
    await rig.say("somchai", "register")
    [pages] = await rig.rows("PRAGMA page_count")
    await sqlite(rig.database)._writer.execute(f"PRAGMA max_page_count={pages['page_count']}")
    events = [rig.event("somchai", ID), *(rig.event(f"person {n}", "register") for n in range(200))]
    outcomes = await rig.together(*events)
    assert {type(outcome) for outcome in outcomes} == {Unavailable}
    for table in ("inbox", "accounts", "conversations"):
        assert len(await rig.rows(f"SELECT * FROM {table}")) == 1
    assert "id" not in (await rig.talk("somchai")).frames[0].results
    await sqlite(rig.database)._writer.execute("PRAGMA max_page_count=1000000")
    assert set(await rig.together(*events)) == {"done"}
    assert rig.replies["somchai"] == [["ask.id"], ["ask.email"]]


async def test_after_closing_nothing_is_taken_and_what_was_taken_is_done(rig: Rig) -> None:
    taken = asyncio.create_task(rig.turn.take(rig.event("somchai", "register")))
    await asyncio.sleep(0)
    rig.turn.start()
    await rig.turn.stop()
    assert await taken == "done"
    with pytest.raises(Unavailable):
        await rig.turn.take(rig.event("somchai", ID))


# --- sessions -------------------------------------------------------------------------------------------------------


async def test_somebody_logged_out_by_a_neighbour_in_the_same_batch_is_loaded_anew(rig: Rig) -> None:
    await rig.add_somchai()
    assert (await rig.say("somchai", "enter", ID, "diary"))[-1] == "ask.page.0"
    await rig.say("malee", "kick")
    malee, somchai = rig.event("malee", "somchai"), rig.event("somchai", "my secret")
    assert await rig.together(malee, somchai) == ["done", "done"]
    assert rig.replies["somchai"][-1] == ["home.unclear", "home.choose"]
    assert (await rig.talk("somchai")).frames == ()
    assert await rig.together(somchai) == ["duplicate"]
    assert (await rig.say("somchai", "diary"))[0] == "error.login_first"


async def test_the_other_way_round_the_answer_counts_but_its_session_is_over(rig: Rig) -> None:
    await rig.add_somchai()
    await rig.say("somchai", "enter", ID, "diary")
    await rig.say("malee", "kick")
    somchai, malee = rig.event("somchai", "dear diary"), rig.event("malee", "somchai")
    assert await rig.together(somchai, malee) == ["done", "done"]
    assert rig.replies["somchai"][-1] == ["ask.page.0"], "nothing more is shown on a phone that was cut off"
    assert await rig.say("somchai", "more") == ["home.unclear", "home.choose"]


async def test_nor_is_what_is_said_only_once_said_on_a_phone_that_was_cut_off(rig: Rig) -> None:
    await rig.add_somchai()
    await rig.say("somchai", "enter", ID, "diary")
    await rig.say("malee", "kick")
    before = len(rig.replies["somchai"])
    assert await rig.together(rig.event("somchai", "help"), rig.event("malee", "somchai")) == ["done", "done"]
    assert len(rig.replies["somchai"]) == before
    assert await rig.rows("SELECT * FROM outbox WHERE purpose = 'news' AND dead_at IS NULL") == []


async def test_what_a_phone_wrote_that_a_neighbour_then_cut_off_is_not_saved_nor_confirmed_there(rig: Rig) -> None:
    await rig.add_somchai()
    async with rig.database.write() as tx:
        await write_roster(tx, rig.vault, [replace(MALEE, national_id=OTHER_ID)], 1)
    await rig.say("somchai", "enter", ID, "note")
    await rig.say("malee", "enter", OTHER_ID, "note")
    await rig.say("anan", "kick")
    events = rig.event("somchai", "mine"), rig.event("malee", "hers"), rig.event("anan", "somchai")
    before = len(rig.replies["somchai"])
    assert await rig.together(*events) == ["done"] * 3
    assert (await rig.saved("somchai"), await rig.saved("malee")) == ([], ["hers"])
    assert len(rig.replies["somchai"]) == before, "it says that something was done, on a phone that was cut off"
    [row] = await rig.rows("SELECT id FROM accounts WHERE external_id = 'somchai'")
    assert rig.mails[row["id"]] == [("mine", MAIL)], "what does not go to the phone goes out"


async def test_the_conversation_of_a_session_that_ended_is_gone_and_its_buttons_with_it(rig: Rig) -> None:
    await rig.add_somchai()
    await rig.say("somchai", "enter", ID, "diary", "dear diary")
    cancel = rig.buttons["somchai"]["control.cancel"]
    await rig.change("UPDATE accounts SET session = NULL")
    assert await rig.say("somchai", Press(cancel)) == ["error.old_button", "home.choose"]
    assert (await rig.talk("somchai")).frames == ()


async def test_a_long_absence_ends_the_session_and_says_so(rig: Rig) -> None:
    await rig.add_somchai()
    await rig.say("somchai", "enter", ID, "diary")
    rig.now += 13 * toy.HOUR
    assert (await rig.say("somchai", "dear diary"))[0] == "session_over"
    assert (await rig.talk("somchai")).frames == ()
    [row] = await rig.rows("SELECT session FROM accounts")
    assert row["session"] is None


async def test_a_late_result_is_no_sign_of_life(rig: Rig) -> None:
    """A session ends when its person is away for long, whatever a verifier sends meanwhile."""
    await rig.add_somchai()
    await rig.say("somchai", "enter", ID, "diary")
    rig.now += 11 * toy.HOUR
    await rig.say("somchai", Result("register", "code", "no such attempt"))
    rig.now += 11 * toy.HOUR
    assert (await rig.say("somchai", "dear diary"))[0] == "session_over"


async def test_that_a_session_is_over_is_said_even_if_a_late_result_finds_it_out(rig: Rig) -> None:
    await rig.add_somchai()
    await rig.say("somchai", "enter", ID, "diary")
    before = len(rig.replies["somchai"])
    rig.now += 13 * toy.HOUR
    await rig.say("somchai", Result("register", "code", "no such attempt"))
    await rig.say("somchai", "dear diary")
    said = [line for reply in rig.replies["somchai"][before:] for line in reply]
    assert "session_over" in said
    assert (await rig.talk("somchai")).frames == ()


# --- what is stored -------------------------------------------------------------------------------------------------


async def test_a_result_for_nobody_is_silent(rig: Rig) -> None:
    await rig.say("somchai", "register")
    before = await rig.talk("somchai")
    await rig.say("somchai", Result("register", "code", "no such attempt"))
    assert len(rig.replies["somchai"]) == 1
    assert await rig.talk("somchai") == before


@pytest.mark.parametrize("state", ["", "x", "1.x.y", "another account's"])
async def test_a_state_that_does_not_open_is_a_fresh_start(rig: Rig, state: str) -> None:
    await rig.say("somchai", "register", ID)
    await rig.say("malee", "register")
    if state.startswith("another"):
        await rig.change(
            "UPDATE conversations SET state = (SELECT state FROM conversations WHERE account_id = "
            "(SELECT id FROM accounts WHERE external_id = 'malee'))"
        )
    else:
        await rig.change("UPDATE conversations SET state = :state", state=state)
    assert await rig.say("somchai", MAIL) == ["home.unclear", "home.choose"]
    assert (await rig.say("somchai", "register"))[-1] == "ask.id"


@on_a_file
async def test_nothing_that_was_said_is_stored_in_plain_text(rig: Rig) -> None:
    await rig.say("somchai", "register", ID, MAIL, MAIL, "918273")
    stored = b"".join(file.read_bytes() for file in sqlite(rig.database).path.parent.iterdir())
    assert len(stored) > 10_000
    for said in (ID, MAIL, "918273"):
        assert said.encode() not in stored


async def test_a_restart_goes_unnoticed(rig: Rig) -> None:
    await rig.say("somchai", "register", ID, MAIL)
    await rig.close()
    await rig.open()
    assert (await rig.say("somchai", MAIL))[-1] == "ask.code"
    await rig.say("somchai", "123456")
    family = rig.buttons["somchai"]["choice.single"]
    await rig.close()
    await rig.open()
    assert (await rig.say("somchai", Press(family)))[-1] == "ask.summary"
    await rig.say("somchai", "choice.save")
    assert await rig.saved("somchai") == [[ID, MAIL, []]]
