"""What a topic in `handlers/` brings, and what it is given: the visitor, and a context for its effects."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from starlette.routing import BaseRoute

from bot.events import Event, Language, Say, Style
from bot.fetching import Fetch
from bot.flow import Script
from bot.outbox import Carrier, Entry, Outbox
from bot.papers.room import Papers
from bot.policy import Policy
from bot.settings import Settings
from bot.text import Texts
from bot.values import frozen
from storage.database import Database, Row, Tx
from storage.files import Files
from storage.holdings import HOLDS, Holds
from storage.ids import new_id
from storage.vault import Key, Vault


@frozen
class Incoming:
    """One event as a channel hands it over. `event_id` is unique in its channel. `language`: a guess for a newcomer.

    `at`: when it happened by the platform's clock, in milliseconds; 0 where events never come out of order. `token`:
    good for one answer that costs nothing, until `token_until` by our clock. `person`: whom alone it concerns; whoever
    else has the chat by now hears nothing of it.
    """

    channel: str
    external_id: str
    event_id: str
    event: Event = field(repr=False)
    language: Language = "th"
    at: int = 0
    token: str = field(default="", repr=False)
    token_until: int = 0
    person: str = ""


@dataclass(frozen=True)
class Equipment:
    """What a topic is made with. `fetch`: by channel; the channels are there once the house is wired."""

    database: Database
    vault: Vault
    policy: Policy
    texts: Texts
    files: Files
    papers: Papers
    fetch: Mapping[str, Fetch]
    clock: Callable[[], int]


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
    officer: bool = False  # may hold a role; which, and what it allows, the topic looks up: no menu knows
    lacks_factor: bool = False  # and has set up no second factor
    forged: bool = False  # somebody else than KP7 has begun this session

    @property
    def chat(self) -> dict[str, str]:
        """Of its row in `accounts`, what stays the same whoever is behind it."""
        return {
            "id": self.id, "channel": self.channel, "external_id": self.external_id, "key_id": self.chat_key.id
        }  # fmt: skip

    @property
    def logged_in(self) -> bool:
        return self.session is not None and self.person_id is not None

    @property
    def arrived(self) -> bool:
        """Logged in, with nothing left to say about who they are."""
        return self.logged_in and bool(self.group)

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
    `token`, `token_until`: of the event, see `Incoming`. `held`: for so many seconds the channel shows that something
    is under way, and says nothing: what comes of it has the token.
    """

    tx: Tx
    now: int
    visitor: Visitor
    vault: Vault
    settings: Settings
    flow: str
    key: str
    again: bool = False
    token: str = field(default="", repr=False)
    token_until: int = 0
    held: int = 0
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

    def hold(self, seconds: int) -> dict[str, Any]:
        """The answer to this event comes later, from somebody else. → what it needs for that: token, token_until"""
        self.held = seconds
        return {"token": self.token, "token_until": self.token_until}

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
    """A conversation of a topic. `private`: only for somebody who is logged in. `part_of`: the flow that leads to it;
    by itself it is not offered, and starting that one again leaves it. `cancelled`: what is said when somebody cancels
    it, a catalogue key."""

    script: Callable[[Facts, Mapping[str, Any]], Script[Any]]
    private: bool = True
    part_of: str = ""
    cancelled: str = "cancelled"


@dataclass(frozen=True)
class Act:
    """A button that outlives every screen: it starts the flow of its letter (`Topic.acts`) about one thing, as seen.

    `item`: id of that thing (`storage/ids.py`); `seen`: 8 hexadecimal digits of a digest of what was shown of it. The
    flow gets both as args, and decides whether they are still true. `label`: a catalogue key, `act.<flow>` by default.
    """

    letter: str
    item: str
    seen: str
    label: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    style: Style = "normal"


@dataclass(frozen=True)
class Words:
    """What to tell somebody unasked. `mail`: where to write if the person has no chat. `buttons`, `menu`: what to offer
    with it, flows about one thing and flows of the menu. `pictures`: paths of JPEGs to show, see `Message`.

    `fresh`: what stood in the chat before is somebody else's now, and goes.
    """

    text: str
    params: Mapping[str, object] = field(default_factory=dict)
    mail: str = ""
    fresh: bool = False
    menu: tuple[str, ...] = ()
    buttons: tuple[Act, ...] = ()
    pictures: tuple[str, ...] = ()


# (tx, notice, now) → its words, or None when it is no longer true.
Truth = Callable[[Tx, Entry, int], Awaitable[Words | None]]

# What falls due by the clock: (tx, now) → account → what to tell it. A function, which goes by its name.
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
    `holds`: its tables with something about people in them, in the order in which rows can be deleted. `unsent`: a
    message was taken back, (tx, visitor, reference, now); `greets`: what somebody who has just logged in should hear at
    once, (tx, visitor, now), or None; `pages`: what it brings to the web besides the chat. `acts`: by a letter, a to z,
    which stays for ever (it stands on buttons in people's chats), the flow that an `Act` starts; nothing else does.
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
    unsent: Callable[[Tx, Visitor, str, int], Awaitable[None]] | None = None
    greets: Callable[[Tx, Visitor, int], Awaitable[Say | None]] | None = None
    pages: Callable[[Outbox], Sequence[BaseRoute]] | None = None
    acts: Mapping[str, str] = field(default_factory=dict)


class Registry:
    """All topics as one, and which of them a flow belongs to."""

    def __init__(self, topics: Sequence[Topic]) -> None:
        self.topics = tuple(topics)
        self.flows = merged("flow", (topic.flows for topic in topics))
        self.effects = merged("effect", (topic.effects for topic in topics))
        self.notices = merged("notice", (topic.notices for topic in topics))
        self.undelivered = merged("undelivered mail", (topic.undelivered for topic in topics))
        self.carriers = merged("carrier", (topic.carriers for topic in topics))
        self.sweeps = merged("sweep", ({_named(sweep): sweep} for topic in topics for sweep in topic.sweeps))
        self.holds = (*(hold for topic in topics for hold in topic.holds), *HOLDS)
        self.unsent = tuple(topic.unsent for topic in topics if topic.unsent)
        self.greets = tuple(topic.greets for topic in topics if topic.greets)
        self.acts = merged("act", (_sound(topic.acts, topic.flows) for topic in topics))
        self._topic_of = {name: i for i, topic in enumerate(topics) for name in topic.flows}

    def topic_of(self, flow: str) -> int:
        return self._topic_of[flow]

    @property
    def offered(self) -> tuple[str, ...]:
        """Flows that somebody can start by their name."""
        acts = set(self.acts.values())
        return tuple(name for name, flow in self.flows.items() if not flow.part_of and name not in acts)

    def parts(self, flow: str) -> frozenset[str]:
        return frozenset(name for name, part in self.flows.items() if part.part_of == flow)

    def pages(self, outbox: Outbox) -> tuple[BaseRoute, ...]:
        return tuple(route for topic in self.topics if topic.pages for route in topic.pages(outbox))

    def kept(self, settings: Settings) -> tuple[Kept, ...]:
        return tuple(kept for topic in self.topics for kept in topic.kept(settings))

    def menu(self, visitor: Visitor) -> tuple[str, ...]:
        return tuple(name for topic in self.topics for name in topic.menu(visitor))


def _named(sweep: Sweep) -> str:
    """What the schedule tells of it by. Raises `ValueError` for one without a name (a lambda, a partial, an object)."""
    name = str(getattr(sweep, "__name__", ""))
    if not name.isidentifier():
        raise ValueError(f"a sweep without a name of its own: {sweep!r}")
    return name


def _sound(acts: Mapping[str, str], flows: Mapping[str, Flow]) -> Mapping[str, str]:
    """Raises `ValueError` for what could never be pressed."""
    for letter, flow in acts.items():
        if not re.fullmatch("[a-z]", letter) or flow not in flows:
            raise ValueError(f"not an act of this topic: {letter!r}, {flow}")
    return acts


def merged(what: str, parts: Iterable[Mapping[K, V]]) -> dict[K, V]:
    """Raises `ValueError` where two parts have the same key: one of them would silently lose."""
    whole: dict[K, V] = {}
    for part in parts:
        for key, value in part.items():
            if key in whole:
                raise ValueError(f"{what} brought twice: {getattr(key, '__qualname__', key)}")
            whole[key] = value
    return whole
