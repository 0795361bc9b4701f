"""What a script is written with."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from bot.events import File, Input, Say, Style, Text
from bot.values import frozen

T = TypeVar("T")
Script = Generator["Ask[Any] | Do[Any]", Any, T]


@frozen
class Choice:
    """A button of a question. Pressing it answers `value`, or, with `reopen`, forgets the results of those steps.

    `link`: it opens this page of ours (a path) and answers nothing.
    """

    value: str
    reopen: tuple[str, ...] = ()
    style: Style = "normal"
    label: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    link: str = ""

    @property
    def words(self) -> str:
        """Catalogue key of the label."""
        return self.label or f"choice.{self.value}"


@frozen
class Ask(Generic[T]):
    """A question.

    `key` is what the answer is stored under: never rename it, never use it for something else. `text` is the
    catalogue key of its words (default `ask.<key>`). `parse` turns a text or a file into a JSON value or raises
    `Invalid`; without it only the choices answer. With `check` the answer itself is a secret that is never kept: it
    goes into the effect, and what that effect returns is kept in its place, good for the effect's other fields
    only. With `gather` files do not answer it: each makes an effect, whose doing shows among the facts, as often as one
    comes (pages of a paper), and the question stays. Such an effect brings a `Say`, or None where a `Refresh` follows.
    `picture`: id of a file of the person's own (`storage/files.py`), a JPEG shown with the question; `pictures`: paths
    of others, shown after it (see `bot.events.Message`). `menu`: its buttons mean the same whatever its other
    words say by the time when one is pressed; without it they confirm what was shown. `anew`: steps before it whose
    results are forgotten whenever it comes up again unanswered (after another matter, from the menu): what it is about
    may be over by then.
    """

    key: str
    parse: Callable[[Text | File], Any] | None = None
    choices: tuple[Choice, ...] = ()
    keep: Callable[[T], bool] = lambda _: True
    check: Callable[[Any], object] | None = None
    gather: Callable[[File], object] | None = None
    undo: bool = True
    text: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    input: Input = "text"
    picture: str = ""
    pictures: tuple[str, ...] = ()
    menu: bool = False
    anew: tuple[str, ...] = ()

    def __iter__(self) -> Generator["Ask[Any] | Do[Any]", Any, T]:
        answer: T = yield self  # so that `x = yield from Ask(…)` has a type
        return answer

    if not TYPE_CHECKING:  # `Ask[str](…)` is for the type checker; building it at run time costs more than the question

        def __class_getitem__(cls, _):
            return cls

    @property
    def words(self) -> str:
        return self.text or f"ask.{self.key}"


@frozen
class Do(Generic[T]):
    """Something the shell does. `effect` is a frozen value; its result is good for exactly this effect. A `Say` is
    shown.

    `final`: what was done cannot be taken back, so "back" does not lead before it.
    """

    key: str
    effect: object
    final: bool = False

    def __iter__(self) -> Generator["Ask[Any] | Do[Any]", Any, T]:
        result: T = yield self
        return result

    if not TYPE_CHECKING:

        def __class_getitem__(cls, _):
            return cls


@frozen
class Then:
    """What a script may end with: another flow of its topic, in its place."""

    flow: str
    args: Mapping[str, Any] = field(default_factory=dict)
    say: tuple[Say, ...] = ()
