"""What a topic in `handlers/` brings, and what it is given: the visitor, and a context for its effects."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from bot.events import Event, Language
from bot.flow import Script
from bot.outbox import Carrier, Entry
from bot.settings import Settings
from bot.values import frozen
from storage.database import Row, Tx
from storage.holdings import HOLDS, Holds
from storage.ids import new_id
from storage.vault import Key, Vault


@frozen
class Incoming:
    """One event as a channel hands it over. `event_id` is unique in its channel. `language`: a guess for a newcomer.

    `at`: when it happened by the platform's clock, in milliseconds; 0 where events never come out of order. `token`:
    good for one answer that costs nothing, until `token_until` by our clock.
    """

    channel: str
    external_id: str
    event_id: str
    event: Event = field(repr=False)
    language: Language = "th"
    at: int = 0
    token: str = field(default="", repr=False)
    token_until: int = 0


# → done, duplicate or dead
Take = Callable[[Incoming], Awaitable[str]]


@dataclass
class Visitor:
    """An account and who is behind it, as of this turn. Effects change it together with the database."""

    id: str
    channel: str
    external_id: str
    language: Language
    person_id: str | None
    session: str | None
    session_at: int
    confirmed_at: int
    seen_at: int
    event_at: int
    reachable: bool
    shared: bool
    group: str
    notice: str
    chat_key: Key = field(repr=False)
    person_key: Key | None = field(repr=False)

    @property
    def logged_in(self) -> bool:
        return self.session is not None and self.person_id is not None

    @property
    def key(self) -> Key:
        """What is said is sealed with the chat's key until login, then with the person's."""
        return self.person_key if self.logged_in and self.person_key else self.chat_key

    def log_out(self, *, unlink: bool) -> None:
        self.session, self.session_at, self.confirmed_at = None, 0, 0
        if unlink:
            self.person_id = self.person_key = None
            self.group = self.notice = ""


class Later(Exception):
    """Raised by an effect that was handed on: its result comes back as a `Result` event.

    `seconds`: how long that may take, if it is worth waiting for in front of the screen.
    """

    def __init__(self, seconds: int = 0) -> None:
        super().__init__()
        self.seconds = seconds


@dataclass
class Context:
    """What an effect may use. Time in milliseconds. `flow`, `key`, `attempt` address the result of a slow effect.

    `again`: the person asked for what had been done already (another code), rather than coming here for the first time.
    """

    tx: Tx
    now: int
    visitor: Visitor
    vault: Vault
    settings: Settings
    flow: str
    key: str
    again: bool = False
    entries: list[Entry] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    saves: list[tuple[str, Row]] = field(default_factory=list)

    @cached_property
    def attempt(self) -> str:
        return new_id()

    def post(self, kind: str, purpose: str, content: Mapping[str, Any], key: Key, **more: Any) -> None:
        """Put something into the outbox, in this transaction. `more`: see `Entry.make`."""
        self.entries.append(
            Entry.make(kind, purpose, content, key, now=self.now, **{"account_id": self.visitor.id, **more})
        )

    def save(self, sql: str, row: Row) -> None:
        """A write that no guard and no fact depends on: done for the whole batch in one statement, at its end."""
        self.saves.append((sql, row))

    def logged_out(self, accounts: Sequence[str]) -> None:
        """These accounts lost their session here: events of theirs in this very batch are loaded anew."""
        self.gone.update(accounts)


K = TypeVar("K")
V = TypeVar("V")
Facts = Any
Perform = Callable[[Context, Any], Awaitable[Any]]


@dataclass(frozen=True)
class Flow:
    """A conversation of a topic. `private`: only for somebody who is logged in."""

    script: Callable[[Facts, Mapping[str, Any]], Script[Any]]
    private: bool = True


@dataclass(frozen=True)
class Words:
    """What to tell somebody unasked. `mail`: where to write if the person has no chat. `menu`: flows to offer with it.

    `fresh`: what stood in the chat before is somebody else's now, and goes.
    """

    text: str
    params: Mapping[str, object] = field(default_factory=dict)
    mail: str = ""
    fresh: bool = False
    menu: tuple[str, ...] = ()


# (tx, notice, now) → its words, or None when it is no longer true.
Truth = Callable[[Tx, Entry, int], Awaitable[Words | None]]

# What falls due by the clock: (tx, now) → account → what to tell it.
Sweep = Callable[[Tx, int], Awaitable[Mapping[str, Words]]]


@dataclass(frozen=True)
class Kept:
    """How long rows of a table are kept. `where`: which may go at all."""

    table: str
    column: str
    milliseconds: int
    where: str = "true"


@dataclass(frozen=True)
class Topic:
    """Everything a topic brings; nothing else in the house knows it by name.

    `facts`: account id → frozen facts, in one query for all visitors; loaded again after each effect, which may have
    changed them. `menu`: flows to offer this visitor, best first. `notices`: by the purpose of outbox rows of the kind
    `notice`. `undelivered`: what the chat hears when its mail of that purpose never arrives. `carriers`: by the kind of
    outbox rows; what they learn they hand to `Take`. `kept`: the tables that nobody else clears, by today's rules.
    `holds`: its tables with something about people in them, in the order in which rows can be deleted.
    """

    flows: Mapping[str, Flow]
    effects: Mapping[type, Perform]
    facts: Callable[[Tx, Sequence[Visitor], int], Awaitable[Mapping[str, Facts]]]
    menu: Callable[[Visitor], tuple[str, ...]]
    notices: Mapping[str, Truth] = field(default_factory=dict)
    undelivered: Mapping[str, Words] = field(default_factory=dict)
    carriers: Mapping[str, Callable[[Take], Carrier]] = field(default_factory=dict)
    sweeps: Sequence[Sweep] = ()
    kept: Callable[[Settings], Sequence[Kept]] = lambda _: ()
    holds: Sequence[Holds] = ()


class Registry:
    """All topics as one, and which of them a flow belongs to."""

    def __init__(self, topics: Sequence[Topic]) -> None:
        self.topics = tuple(topics)
        self.flows = merged("flow", (topic.flows for topic in topics))
        self.effects = merged("effect", (topic.effects for topic in topics))
        self.notices = merged("notice", (topic.notices for topic in topics))
        self.undelivered = merged("undelivered mail", (topic.undelivered for topic in topics))
        self.carriers = merged("carrier", (topic.carriers for topic in topics))
        self.sweeps = tuple(sweep for topic in topics for sweep in topic.sweeps)
        self.holds = (*(hold for topic in topics for hold in topic.holds), *HOLDS)
        self._topic_of = {name: i for i, topic in enumerate(topics) for name in topic.flows}

    def topic_of(self, flow: str) -> int:
        return self._topic_of[flow]

    def kept(self, settings: Settings) -> tuple[Kept, ...]:
        return tuple(kept for topic in self.topics for kept in topic.kept(settings))

    def menu(self, visitor: Visitor) -> tuple[str, ...]:
        return tuple(name for topic in self.topics for name in topic.menu(visitor))


def merged(what: str, parts: Iterable[Mapping[K, V]]) -> dict[K, V]:
    """Raises `ValueError` where two parts have the same key: one of them would silently lose."""
    whole: dict[K, V] = {}
    for part in parts:
        for key, value in part.items():
            if key in whole:
                raise ValueError(f"{what} brought twice: {getattr(key, '__qualname__', key)}")
            whole[key] = value
    return whole
