"""What a topic in `handlers/` offers, and what it is given: the visitor, and a context for its effects."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.events import Event, Language
from bot.flow import Script
from bot.outbox import Entry
from bot.settings import Settings
from storage.database import Tx
from storage.vault import Key, Vault


@dataclass(frozen=True)
class Incoming:
    """One event as a channel hands it over. `event_id` is unique in its channel. `language`: a guess for a newcomer."""

    channel: str
    external_id: str
    event_id: str
    event: Event = field(repr=False)
    language: Language = "th"


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
    """Raised by an effect that was handed on: its result comes back as a `Result` event."""


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
    attempt: str
    again: bool = False
    entries: list[Entry] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)

    def post(self, kind: str, purpose: str, content: Mapping[str, Any], key: Key, **more: Any) -> None:
        """Put something into the outbox, in this transaction. `more`: see `Entry.make`."""
        self.entries.append(
            Entry.make(kind, purpose, content, key, now=self.now, **{"account_id": self.visitor.id, **more})
        )

    def logged_out(self, accounts: Sequence[str]) -> None:
        """These accounts lost their session here: events of theirs in this very batch are loaded anew."""
        self.gone.update(accounts)


Facts = Any
Perform = Callable[[Context, Any], Awaitable[Any]]


@dataclass(frozen=True)
class Flow:
    """A conversation of a topic. `private`: only for somebody who is logged in."""

    script: Callable[[Facts, Mapping[str, Any]], Script[Any]]
    private: bool = True


@dataclass(frozen=True)
class Topic:
    """`facts`: account id → frozen facts, in one query for all visitors. `menu`: flows to offer this visitor, best
    first.

    An effect that changes facts is fine: they are loaded again before the script goes on.
    """

    flows: Mapping[str, Flow]
    effects: Mapping[type, Perform]
    facts: Callable[[Tx, Sequence[Visitor], int], Awaitable[Mapping[str, Facts]]]
    menu: Callable[[Visitor], tuple[str, ...]]


class Registry:
    """All topics, and which of them a flow or an effect belongs to."""

    def __init__(self, topics: Sequence[Topic]) -> None:
        self.topics = tuple(topics)
        self.flows = {name: flow for topic in topics for name, flow in topic.flows.items()}
        self.effects = {kind: perform for topic in topics for kind, perform in topic.effects.items()}
        self._topic_of = {name: i for i, topic in enumerate(topics) for name in topic.flows}

    def topic_of(self, flow: str) -> int:
        return self._topic_of[flow]

    def menu(self, visitor: Visitor) -> tuple[str, ...]:
        return tuple(name for topic in self.topics for name in topic.menu(visitor))
