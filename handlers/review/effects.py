"""What the conversations of officers ask the shell to do. Values only; `record` performs them.

`item`, `seen`: which item of the queue, and the digest of it that was on the screen (`queue.Item`). Where it is not
that one any more, a sentence says so, and who was faster.
"""

from dataclasses import dataclass, field

from handlers.review.rules import Wanted


@dataclass(frozen=True)
class Next:
    """→ a card (`record.card`) of the item that comes after this place in the queue (`Item.place`); {} if none does"""

    at: int
    id: str


@dataclass(frozen=True)
class Gone:
    """→ False while it waits as it was seen, or a sentence"""

    item: str
    seen: str


@dataclass(frozen=True)
class Look:
    """→ a card, or a sentence"""

    item: str
    seen: str


@dataclass(frozen=True)
class Open:
    """→ a card with the `path` of the page that shows the whole paper, or a sentence"""

    item: str
    seen: str


@dataclass(frozen=True)
class Decide:
    """As `deciding.Decision`. → a sentence"""

    item: str
    seen: str
    wanted: Wanted
    reason: str = ""
    words: str = field(default="", repr=False)
    sure: bool = False
