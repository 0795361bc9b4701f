"""A row of the outbox, who carries it, and how that can fail."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot import outbox
from bot.times import DAY
from bot.values import frozen
from storage.database import Tx
from storage.ids import new_id
from storage.vault import Key

SCREEN = "reply"  # the purpose of rows that a newer one of their lane replaces, as long as they are not out
NEWS = "news"  # of screens that say what is said only once
SECRET = "code"  # noqa: S105  the purpose of rows whose body must not outlive its use


class Undelivered(Exception):
    """A delivery failed. `permanent`: trying again cannot help. `reason`: for the operator, no personal data;
    empty where it only waits for its time.

    `untaken`: the other side has surely not taken it; without this nobody knows. `wait`: milliseconds that it asks for,
    which makes this no attempt at all. `within`: milliseconds in which it should be tried again, 0 if any time will do.
    """

    def __init__(
        self, reason: str, *, permanent: bool = False, untaken: bool = False, wait: int = 0, within: int = 0
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.untaken = untaken or bool(wait)
        self.wait = wait
        self.within = within


@frozen
class Entry:
    """One row. `content` is the plain body, in memory only. Times in milliseconds.

    `unsure`: somebody may have delivered it before, and nobody knows.
    """

    id: str
    lane: str
    kind: str
    account_id: str | None
    person_id: str | None
    purpose: str
    key_id: str
    body: str
    due_at: int
    expires_at: int
    attempts: int = 0
    unsure: bool = False
    content: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def make(
        cls,
        kind: str,
        purpose: str,
        content: Mapping[str, Any],
        key: Key,
        *,
        now: int,
        account_id: str | None = None,
        person_id: str | None = None,
        lane: str = "",
        due_at: int = 0,
        expires_at: int = 0,
    ) -> "Entry":
        """`due_at` 0: at once. `expires_at` 0: a day after it is due."""
        id = new_id()
        return cls(
            id=id,
            lane=lane or f"{kind}:{account_id or person_id or id}",
            kind=kind,
            account_id=account_id,
            person_id=person_id,
            purpose=purpose,
            key_id=key.id,
            body=key.seal(content, "outbox", id, "body"),
            due_at=due_at or now + outbox.GRACE,
            expires_at=expires_at or max(due_at, now) + DAY,
            content=content,
        )


Follow = Callable[[Tx, Entry], Awaitable[Sequence[Entry]]]


@dataclass(frozen=True)
class Carrier:
    """How one kind of row is carried. `dead`: what follows, in one transaction, when it never will be.

    `at_once`: how many deliveries the other side is asked for at the same time.
    """

    deliver: Callable[[Entry], Awaitable[None]]
    dead: Follow | None = None
    at_once: int = 64


@dataclass(frozen=True)
class Written:
    """What a transaction did to the outbox; it counts once that is committed. Hand it to `Outbox.dispatch` then.

    `behind`: lanes with something older that must go first. `replaced`, `deleted`: ids of rows that are gone.
    """

    entries: tuple[Entry, ...] = ()
    behind: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()
    deleted: frozenset[str] = frozenset()
