"""What can happen to a conversation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.events import File, Refresh, Result, Say, Text
from bot.values import frozen


@frozen
class Start:
    """`over`: flows that it takes the place of, where they are on the way."""

    flow: str
    args: Mapping[str, Any] = field(default_factory=dict)
    over: frozenset[str] = frozenset()


@frozen
class Chosen:
    """A button of the screen of that turn."""

    value: str
    turn: int


@dataclass(frozen=True)
class Back: ...


@frozen
class Cancel:
    """`line`: what is said of it."""

    line: Say = Say("cancelled")


@dataclass(frozen=True)
class Resume:
    """Show again what is open. `line` is said first."""

    line: Say | None = None


Happening = Start | Chosen | Back | Cancel | Resume | Text | File | Result | Refresh
