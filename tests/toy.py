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
    screen: Step = field(default_factory=lambda: Step(Conversation(), Conversation()))

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
                step = wait(step, f"attempt of {self.now}")
            else:
                step = supply(self.scripts, step, value)
        assert step.todo is None, f"{step.todo} is done again and again"
        self.step = step
        convo = step.convo
        if not step.silent:
            self.screen = step
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

    def presses(self, value: str, turn: int | None = None) -> "Person":
        return self.does(Chosen(value, self.convo.shown.turn if turn is None else turn))

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
        return self.screen.open.key if self.screen.open else ""

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


# --- the same conversation, told without the engine -----------------------------------------------------------------


class Refused(Exception):
    """An effect said no."""


class Handed(Exception):
    """An effect was handed on."""


class Model:
    """What `registration` and flows of one question (`other`, and a `card` for each item) must do, as plain ifs over a
    dict.

    It shares nothing with the engine but the effects. `perform`: None for "yes", or raises `Refused` or `Handed`.
    """

    OFFERS: Mapping[str, tuple[str, ...]] = {
        "code": ("resend",),
        "kind": ("single", "family"),
        "summary": ("save", "edit_id", "edit_email", "edit_kind"),
        "reason": ("yes",),
    }
    REOPENS: Mapping[str, tuple[str, ...]] = {
        "resend": ("sent",),
        "edit_id": ("id",),
        "edit_email": ("email", "email_again"),
        "edit_kind": ("kind",),
    }

    def __init__(self, perform: Callable[[Any], None]) -> None:
        self.perform = perform
        self.stack: list[str] = []
        self.kept: dict[str, Any] = {}
        self.good_for: dict[str, Any] = {}  # what the results of effects rest on
        self.waiting = False
        self.did: list[Any] = []

    @property
    def question(self) -> str:
        if not self.stack:
            return ""
        return self._next() if self.stack[-1] == "register" else "reason"

    def _children(self) -> list[str]:
        if self.kept.get("kind") != "family" or self.kept.get("children") not in (1, 2, 3):
            return []
        return [f"child.{n}" for n in range(self.kept["children"])]

    def _next(self) -> str:
        """The first thing that is missing; names of effects in capitals."""
        k, g = self.kept, self.good_for
        if "id" not in k:
            return "id"
        if "found" not in k or g["found"] != k["id"]:
            return "FIND"
        if "email" not in k:
            return "email"
        if k.get("email_again") != k["email"]:
            return "email_again"
        if "sent" not in k or g["sent"] != (k["id"], k["email"]):
            return "SEND"
        if "code" not in k or g["code"] != (k["id"], k["email"]):
            return "code"
        if "kind" not in k:
            return "kind"
        if k["kind"] == "family":
            if k.get("children") not in (1, 2, 3):
                return "children"
            for child in self._children():
                if child not in k:
                    return child
        if "summary" not in k:
            return "summary"
        return "SAVE"

    def _go_on(self) -> None:
        while self.stack and self.stack[-1] == "register":
            k, todo = self.kept, self._next()
            if todo == "FIND":
                self._do(LookUp(k["id"]))
                k["found"], self.good_for["found"] = True, k["id"]
            elif todo == "SEND":
                self._do(Send(k["id"], k["email"]))
                k["sent"], self.good_for["sent"] = True, (k["id"], k["email"])
            elif todo == "SAVE":
                self._do(Save(k["id"], k["email"], tuple(k[child] for child in self._children())))
                self._forget_all()
                self.stack.pop()
            else:
                return

    def _forget_all(self) -> None:
        self.kept, self.good_for, self.waiting = {}, {}, False

    def _do(self, effect: Any) -> None:
        self.did.append(effect)
        self.perform(effect)

    def _or_as_before(self, change: Callable[[], None]) -> None:
        before = (list(self.stack), dict(self.kept), dict(self.good_for), self.waiting)
        try:
            change()
            self._go_on()
        except Refused:
            self.stack, self.kept, self.good_for, self.waiting = before

    def start(self, flow: str) -> None:
        if flow not in self.stack and len(self.stack) < 3:
            self.stack.append(flow)

    def press_card(self, card: str) -> None:
        if card in self.stack:
            self.stack.remove(card)
        self.start(card)
        self._go_on()

    def cancel(self) -> None:
        if self.stack and self.stack.pop() == "register":
            self._forget_all()
        self._go_on()

    def back(self) -> None:
        if not self.stack or self.stack[-1] != "register":
            return
        order = ["id", "email", "email_again", "code", "kind"]
        if self.kept.get("kind") == "family":
            order += ["children", *self._children()]
        order.append("summary")
        earlier = order[: order.index(self.question)]
        if earlier:
            self.waiting = False
            del self.kept[earlier[-1]]

    def press(self, value: str) -> None:
        if value not in self.OFFERS.get(self.question, ()) or (self.waiting and self.stack[-1] == "register"):
            return
        if value == "yes":
            self.stack.pop()
            self._go_on()
            return

        def change() -> None:
            for key in self.REOPENS.get(value, ()):
                self.kept.pop(key, None)
            if value not in self.REOPENS:
                self.kept[self.question] = value

        self._or_as_before(change)

    def say(self, text: str) -> None:
        question, text = self.question, text.strip()
        if question in ("", "kind", "summary", "reason") or self.waiting:
            return
        if question in ("id", "code", "children") and not text.isdecimal():
            return
        if question in ("email", "email_again") and "@" not in text:
            return

        def change() -> None:
            if question == "code":
                try:
                    self._do(Check(self.kept["id"], self.kept["email"], text))
                except Handed:
                    self.waiting = True
                    return
                self.prove()
            else:
                self.kept[question] = int(text) if question == "children" else text

        self._or_as_before(change)

    def prove(self) -> None:
        self.kept["code"], self.good_for["code"] = True, (self.kept["id"], self.kept["email"])

    def hear(self, *, good: bool) -> None:
        """The late result of the check that is waited for."""
        self.waiting = False
        if good:
            self.prove()
        self._go_on()
