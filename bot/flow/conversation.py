"""What is kept of a conversation from one event to the next."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from bot.flow.digests import binding
from bot.flow.script import Ask, Do

_NOTHING: Mapping[str, Any] = {}  # a plain dict, because it is stored


class Frame(NamedTuple):
    """One running flow. `results`: key → [value, digest of the effect that brought it, "" for a plain answer].

    `waiting`, `attempt`, `handed_on`: the step that something slow answers, for which attempt and for which effect.
    `since`: when the question of `asked` was first shown (a turn, which is a time in milliseconds).
    """

    flow: str
    args: Mapping[str, Any] = _NOTHING
    results: Mapping[str, Any] = _NOTHING
    asked: str = ""
    attempt: str = ""
    handed_on: str = ""
    waiting: str = ""
    since: int = 0

    def without(self, *keys: str) -> "Frame":
        results = {k: v for k, v in self.results.items() if k not in keys}
        return self._replace(results=results, asked="", waiting="")

    def keeping(self, step: Ask[Any] | Do[Any], value: Any) -> "Frame":
        return self._replace(results={**self.results, step.key: [value, binding(step)]}, waiting="")


class Shown(NamedTuple):
    """The screen a person looks at: its turn, its buttons in order, and a digest of what they confirm.

    `labels` are the words on the buttons as they were shown: typing one is pressing it.
    """

    turn: int = 0
    values: tuple[str, ...] = ()
    digest: str = ""
    labels: tuple[str, ...] = ()


class Conversation(NamedTuple):
    """`seen`: when the person last did something, in milliseconds."""

    frames: tuple[Frame, ...] = ()
    turn: int = 0
    seen: int = 0
    shown: Shown = Shown()

    @property
    def top(self) -> Frame | None:
        return self.frames[-1] if self.frames else None

    def with_top(self, frame: Frame) -> "Conversation":
        """`frame` in the place of the top one."""
        return self._replace(frames=(*self.frames[:-1], frame))

    def without_top(self) -> "Conversation":
        return self._replace(frames=self.frames[:-1])
