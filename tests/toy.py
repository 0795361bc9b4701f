"""A toy topic, and people who chat with it: the engine alone, without a database, a channel or any words.

The registration here has every shape a real conversation has: a look-up that the next questions rest on, an answer
given twice, a secret that is never kept, a branch with a loop, a summary that reopens questions, a final saving.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.events import File, Invalid, Result, Text
from bot.flow import (
    Ask,
    Back,
    Cancel,
    Choice,
    Chosen,
    Conversation,
    Do,
    Frame,
    Happening,
    Resume,
    Script,
    Shown,
    Start,
    Step,
    begin,
    refuse,
    shown,
    supply,
    wait,
)
from bot.screen import dump, load
from bot.topic import Later
from storage.ids import new_id

MINUTE, HOUR = 60_000, 3_600_000
PAUSE = 12 * HOUR


@dataclass(frozen=True)
class LookUp:
    id: str


@dataclass(frozen=True)
class Send:
    id: str
    email: str


@dataclass(frozen=True)
class Check:
    id: str
    email: str
    code: str


@dataclass(frozen=True)
class Save:
    id: str
    email: str
    children: tuple[str, ...]


def words(event: Text | File) -> str:
    if isinstance(event, File):
        raise Invalid("text_wanted")
    return event.body.strip()


def number(event: Text | File) -> str:
    text = words(event)
    if not text.isdecimal():
        raise Invalid("digits_wanted")
    return text


def address(event: Text | File) -> str:
    text = words(event)
    if "@" not in text:
        raise Invalid("email_wanted")
    return text


def count(event: Text | File) -> int:
    return int(number(event))


def registration() -> Script[tuple[str, ...]]:
    id = yield from Ask[str]("id", number)
    yield from Do[str]("found", LookUp(id))
    email = yield from Ask[str]("email", address)
    yield from Ask[str]("email_again", address, keep=lambda again: again == email)
    yield from Do[str]("sent", Send(id, email))
    yield from Ask[bool](
        "code", number, choices=(Choice("resend", reopen=("sent",)),), check=lambda code: Check(id, email, code)
    )
    children: list[str] = []
    kind = yield from Ask[str]("kind", choices=(Choice("single"), Choice("family")))
    if kind == "family":
        total = yield from Ask[int]("children", count, keep=lambda n: 0 < n < 4)
        for n in range(total):
            child = yield from Ask[str](f"child.{n}", words, text="ask.child", params={"n": n + 1})
            children = [*children, child]
    yield from Ask[str](
        "summary",
        choices=(
            Choice("save"),
            Choice("edit_id", reopen=("id",)),
            Choice("edit_email", reopen=("email", "email_again")),
            Choice("edit_kind", reopen=("kind",)),
        ),
        params={"id": id, "email": email, "children": ", ".join(children)},
    )
    yield from Do[bool]("saved", Save(id, email, tuple(children)), final=True)
    return ()


Flows = Mapping[str, Callable[[], Script[Any]]]


@dataclass
class Person:
    """Plays events against the engine; after every one the conversation goes through JSON, as if KP7 had restarted.

    `answers`: how an effect is answered: a value, or an exception (`Invalid`, `Later`) to raise. By default it is true.
    """

    flows: Flows = field(default_factory=lambda: {"register": registration})
    answers: Callable[[Any], Any] = lambda effect: True
    convo: Conversation = field(default_factory=Conversation)
    now: int = 1_000_000
    did: list[Any] = field(default_factory=list)
    step: Step = field(default_factory=lambda: Step(Conversation(), Conversation()))

    def scripts(self, frame: Frame) -> Script[Any]:
        return self.flows[frame.flow]()

    def does(self, event: Happening) -> "Person":
        self.now += 1_000
        step = begin(self.scripts, self.convo, event, self.now, PAUSE)
        for _ in range(9):
            todo = step.todo
            if todo is None:
                break
            self.did.append(todo.effect)
            try:
                value = self.answers(todo.effect)
            except Invalid as wrong:
                step = refuse(self.scripts, step, wrong)
            except Later:
                step = wait(step, new_id())
            else:
                step = supply(self.scripts, step, value)
        assert step.todo is None, f"{step.todo} is done again and again"
        self.step = step
        convo = step.convo
        if not step.silent:
            choices = step.open.choices if isinstance(step.open, Ask) and not step.waiting else ()
            convo = shown(step, Shown(convo.turn, tuple(choice.value for choice in choices)))
        self.convo = load(json.loads(json.dumps(dump(convo))))
        assert self.convo == convo, "a restart would lose something"
        return self

    def starts(self, flow: str = "register") -> "Person":
        return self.does(Start(flow))

    def says(self, *texts: str) -> "Person":
        for text in texts:
            self.does(Text(text))
        return self

    def presses(self, value: str, turn: int = 0) -> "Person":
        return self.does(Chosen(value, turn or self.convo.shown.turn))

    def back(self) -> "Person":
        return self.does(Back())

    def cancels(self) -> "Person":
        return self.does(Cancel())

    def looks(self) -> "Person":
        return self.does(Resume())

    def hears(self, key: str, attempt: str, value: Any = True, *, error: str = "", flow: str = "register") -> "Person":
        return self.does(Result(flow, key, attempt, value, error))

    @property
    def sees(self) -> str:
        """Key of what is on the screen, "" for the menu."""
        return self.step.open.key if self.step.open else ""

    @property
    def told(self) -> list[str]:
        return [say.text for say in self.step.say]

    @property
    def kept(self) -> dict[str, Any]:
        return {key: value for key, (value, _) in self.convo.frames[-1].results.items()} if self.convo.frames else {}

    @property
    def attempt(self) -> str:
        assert self.convo.top is not None
        return self.convo.top.attempt
