"""Law 1: a script is the conversation, re-run from the top.

A flow is a generator in reading order. It yields `Ask` (a person answers) or `Do` (the shell answers: send a code,
look somebody up, save). Every result is kept under its key. A turn re-runs the script over the kept results to the
first step whose result is missing or no longer good: an open `Do` is performed, an open `Ask` is what stands on the
screen. Nothing else is stored. So restart, resume, back, edit and a deploy in mid-conversation need no code of
their own.

When a kept result stops being good:

* an answer, when `keep` says so or raises (an edited e-mail makes its repetition worthless);
* what an effect brought, when the effect itself has changed (another address: another code; a card that was matched for
  another ID). A digest of the effect is kept beside the result, so no script spells that out, and none can forget it.

Scripts are pure: no I/O, no clock, no randomness. What they must know comes in as frozen facts. This module is pure
too: `begin` takes one event, the shell performs what is open and calls `supply`, `refuse` or `wait`, until an `Ask`
or nothing is open. A refusal anywhere leaves the results as they were before the event: the person is told and
asked again.
"""

import hashlib
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from bot.events import File, Input, Invalid, Result, Say, Style, Text
from bot.values import frozen

T = TypeVar("T")
Script = Generator["Ask[Any] | Do[Any]", Any, T]
_NOTHING: Mapping[str, Any] = {}  # a plain dict, because it is stored
DEPTH = 3  # a conversation on top of a conversation on top of one is as much as anybody can follow


@frozen
class Choice:
    """A button of a question. Pressing it answers `value`, or, with `reopen`, forgets the results of those steps."""

    value: str
    reopen: tuple[str, ...] = ()
    style: Style = "normal"
    label: str = ""
    params: Mapping[str, object] = field(default_factory=dict)

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
    only.
    """

    key: str
    parse: Callable[[Text | File], Any] | None = None
    choices: tuple[Choice, ...] = ()
    keep: Callable[[T], bool] = lambda _: True
    check: Callable[[Any], object] | None = None
    undo: bool = True
    text: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    input: Input = "text"

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


# --- what is kept ---------------------------------------------------------------------------------------------------


class Frame(NamedTuple):
    """One running flow. `results`: key → [value, digest of the effect that brought it, "" for a plain answer].

    `waiting`, `attempt`, `handed_on`: the step that something slow answers, for which attempt and for which effect.
    """

    flow: str
    args: Mapping[str, Any] = _NOTHING
    results: Mapping[str, Any] = _NOTHING
    asked: str = ""
    attempt: str = ""
    handed_on: str = ""
    waiting: str = ""


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


# --- what can happen to a conversation ------------------------------------------------------------------------------


@frozen
class Start:
    flow: str
    args: Mapping[str, Any] = field(default_factory=dict)


@frozen
class Chosen:
    """A button of the screen of that turn."""

    value: str
    turn: int


@dataclass(frozen=True)
class Back: ...


@dataclass(frozen=True)
class Cancel: ...


@dataclass(frozen=True)
class Resume:
    """Show again what is open. `line` is said first."""

    line: Say | None = None


Happening = Start | Chosen | Back | Cancel | Resume | Text | File | Result
Scripts = Callable[[Frame], Script[Any]]


class Step(NamedTuple):
    """Where the conversation stands. `open`: a `Do` to perform, an `Ask` to show, or None when nothing runs.

    `before` is what a refusal falls back to; `checked` is the question whose `check` the open `Do` stands for;
    `silent`: a result came too late for anybody, there is nothing to say; `walked`: the top frame's script, as far as
    it got with the facts of this moment.
    """

    convo: Conversation
    before: Conversation
    say: tuple[Say, ...] = ()
    open: Ask[Any] | Do[Any] | None = None
    path: tuple[Ask[Any] | Do[Any], ...] = ()
    checked: Ask[Any] | None = None
    silent: bool = False
    walked: "Walked | None" = None

    @property
    def waiting(self) -> bool:
        """Something slow is on its way: nothing to perform, nothing to ask."""
        top = self.convo.top
        return bool(top and self.open and not self.checked and top.waiting == self.open.key)

    @property
    def todo(self) -> "Do[Any] | None":
        return self.open if isinstance(self.open, Do) and not self.waiting else None

    @property
    def can_go_back(self) -> bool:
        return _last_question(self.path) is not None


def digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def question_digest(ask: Ask[Any]) -> str:
    """Changes with whatever the person would be saying yes to."""
    return digest(ask.key, ask.words, sorted(ask.params.items()), [c.value for c in ask.choices])


# --- walking --------------------------------------------------------------------------------------------------------


class Walked(NamedTuple):
    """How far a script got: over `path` to what is `open`, where it stands still, or to its `end`."""

    path: tuple[Ask[Any] | Do[Any], ...]
    open: Ask[Any] | Do[Any] | None
    end: Any
    script: Script[Any] | None = None


def _good(step: Ask[Any] | Do[Any], kept: object) -> bool:
    """The store may hold anything (an older deploy wrote it): what is not surely good is asked or done again."""
    if not isinstance(kept, list) or len(kept) != 2 or kept[1] != _binding(step):
        return False
    if isinstance(step, Do):
        return True
    if step.parse is None and kept[0] not in [choice.value for choice in step.choices]:
        return False
    try:
        return bool(step.keep(kept[0]))
    except Exception:
        return False


def _binding(step: Ask[Any] | Do[Any]) -> str:
    """Digest of what a result depends on besides the person's secret."""
    if isinstance(step, Do):
        return _effect_digest(step.effect)
    return _effect_digest(step.check("")) if step.check else ""


def _effect_digest(effect: object) -> str:
    """Of its kind and all its fields."""
    return digest(type(effect).__qualname__, vars(effect) if hasattr(effect, "__dict__") else effect)


def walk(script: Script[Any], results: Mapping[str, Any], so_far: Walked | None = None) -> Walked:
    """Run to the first step lacking a good result. `so_far`: the script stands there, and the results have grown."""
    path = list(so_far.path) if so_far else []
    seen = {step.key for step in path}
    try:
        step = so_far.open if so_far and so_far.open else next(script)
        while _new(step.key, seen) and step.key in results and _good(step, results[step.key]):
            path.append(step)
            step = script.send(results[step.key][0])
    except StopIteration as stop:
        return Walked(tuple(path), None, stop.value)
    return Walked(tuple(path), step, None, script)


def _new(key: str, seen: set[str]) -> bool:
    if key in seen:
        raise ValueError(f"{key} stands twice in one script")
    seen.add(key)
    return True


def _last_question(path: tuple[Ask[Any] | Do[Any], ...]) -> Ask[Any] | None:
    for step in reversed(path):
        if isinstance(step, Do) and step.final:
            return None
        if isinstance(step, Ask) and step.undo:
            return step
    return None


def _without(frame: Frame, *keys: str) -> Frame:
    results = {k: v for k, v in frame.results.items() if k not in keys}
    return frame._replace(results=results, asked="", waiting="")


def _with(frame: Frame, step: Ask[Any] | Do[Any], value: Any) -> Frame:
    return frame._replace(results={**frame.results, step.key: [value, _binding(step)]}, waiting="")


def _put(convo: Conversation, frame: Frame) -> Conversation:
    return convo._replace(frames=(*convo.frames[:-1], frame))


def _endings(value: object) -> tuple[Say, ...]:
    """A script may return its closing words."""
    if isinstance(value, Say):
        return (value,)
    return value if isinstance(value, tuple) else ()


def _settle(scripts: Scripts, step: Step, *, ended: bool = False, so_far: Walked | None = None) -> Step:
    """Walked the top frame; show what a script only says; close frames that ended, going on with the one below.

    `so_far`: the top frame has only gained the result of what was open, and the facts are the same: go on from there.
    """
    convo, say = step.convo, list(step.say)
    while convo.frames:
        frame = convo.frames[-1]
        script = so_far.script if so_far and so_far.script else scripts(frame)
        found = walk(script, frame.results, so_far)
        match found.open:
            case Do(effect=Say() as words):
                say.append(words)
                convo, so_far = _put(convo, _with(frame, found.open, True)), found
            case None:
                say.extend(_endings(found.end))
                convo, so_far = convo._replace(frames=convo.frames[:-1]), None
                ended = True
            case _:
                if ended:  # say where the person was before the other matter came up
                    say.append(Say(f"resume.{frame.flow}"))
                return step._replace(
                    convo=convo, say=tuple(say), open=found.open, path=found.path, checked=None, walked=found
                )
    return step._replace(convo=convo, say=tuple(say), open=None, path=(), checked=None, walked=None)


def begin(scripts: Scripts, convo: Conversation, event: Happening, now: int, pause: int) -> Step:
    """Take one event. `now` and `pause` in milliseconds: a text after so long a silence greets, it does not answer."""
    quiet = bool(convo.seen) and now - convo.seen > pause
    # A turn is never numbered twice, not even after the state was lost: an old button must stay an old button.
    step = Step(convo._replace(turn=max(convo.turn + 1, now), seen=max(now, convo.seen)), before=convo)
    if isinstance(event, Result):  # no sign of life of the person
        return _arrived(scripts, step._replace(convo=step.convo._replace(seen=convo.seen)), event)
    if isinstance(event, Start):
        return _start(scripts, step, event)
    step = _settle(scripts, step)
    top = step.convo.top
    try:
        if top is None or step.open is None:
            return _nothing_open(step, event)
        match event:
            case Resume():
                return _with_line(step, event)
            case Cancel():
                below = step.convo._replace(frames=step.convo.frames[:-1])
                return _settle(scripts, step._replace(convo=below, say=(*step.say, Say("cancelled"))), ended=True)
            case Back():
                last = _last_question(step.path)
                if last is None:
                    raise Invalid("nothing_before")
                return _settle(scripts, step._replace(convo=_put(step.convo, _without(top, last.key))))
            case Text() | File() if step.waiting:
                raise Invalid("still_waiting")
            case Text() if quiet:
                return step._replace(say=(*step.say, Say("greet_again")))
            case Chosen():
                return _chosen(scripts, step, top, event)
            case Text() | File() if isinstance(step.open, Ask) and top.asked == step.open.key:
                if step.open.parse is None:
                    raise Invalid("choose")
                answer = step.open.parse(event)
                if answer in [choice.value for choice in step.open.choices]:
                    raise Invalid("choose")  # only a button says what a button means
                return _answer(scripts, step, top, step.open, answer)
    except Invalid as wrong:
        return step._replace(say=(*step.say, Say(f"error.{wrong.code}", wrong.params)))
    return step  # the question on the screen is no longer the one that is open (a deploy came between): ask it


def _nothing_open(step: Step, event: Happening) -> Step:
    match event:
        case Resume():
            return _with_line(step, event)
        case Chosen():
            raise Invalid("old_button")
        case File():
            raise Invalid("no_file_wanted")
    return step


def _with_line(step: Step, event: Resume) -> Step:
    return step._replace(say=(*step.say, event.line)) if event.line else step


def _start(scripts: Scripts, step: Step, event: Start) -> Step:
    if any(frame.flow == event.flow and frame.args == event.args for frame in step.convo.frames):
        return _settle(scripts, step)  # already on the way: show where it stands
    if len(step.convo.frames) >= DEPTH:
        return _settle(scripts, step._replace(say=(Say("error.too_deep"),)))
    frames = (*step.convo.frames, Frame(event.flow, event.args))
    return _settle(scripts, step._replace(convo=step.convo._replace(frames=frames)))


def _chosen(scripts: Scripts, step: Step, top: Frame, event: Chosen) -> Step:
    ask, shown = step.open, step.convo.shown
    if not isinstance(ask, Ask) or top.asked != ask.key or event.turn != shown.turn:
        raise Invalid("old_button")
    choice = next((c for c in ask.choices if c.value == event.value), None)
    if choice is None or question_digest(ask) != shown.digest:
        raise Invalid("old_button")
    if step.waiting:
        raise Invalid("still_waiting")
    if choice.reopen:
        return _settle(scripts, step._replace(convo=_put(step.convo, _without(top, *choice.reopen))))
    return _answer(scripts, step, top, ask, choice.value, chosen=True)


def _answer(scripts: Scripts, step: Step, top: Frame, ask: Ask[Any], value: Any, *, chosen: bool = False) -> Step:
    if ask.check and not chosen:  # a secret: hand it on, keep only what it proves
        return step._replace(open=Do(ask.key, ask.check(value)), checked=ask)
    return _settle(scripts, step._replace(convo=_put(step.convo, _with(top, ask, value))), so_far=step.walked)


def supply(scripts: Scripts, step: Step, value: Any) -> Step:
    """The open `Do` was performed and brought `value` (JSON)."""
    top, done = step.convo.top, step.open
    assert top is not None
    assert isinstance(done, Do)
    return _settle(scripts, step._replace(convo=_put(step.convo, _with(top, step.checked or done, value))))


def wait(step: Step, attempt: str) -> Step:
    """The open `Do` was handed on; its result comes back as a `Result` naming this attempt."""
    top = step.convo.top
    assert top is not None
    assert step.open is not None
    frame = top._replace(waiting=step.open.key, attempt=attempt, handed_on=_binding(step.checked or step.open))
    return step._replace(convo=_put(step.convo, frame), open=step.checked or step.open, checked=None)


def refuse(scripts: Scripts, step: Step, wrong: Invalid) -> Step:
    """The open `Do` said no: as before the event, with the reason."""
    say = Say(f"error.{wrong.code}", wrong.params)
    convo = step.before._replace(turn=step.convo.turn, seen=step.convo.seen)
    back = _settle(scripts, Step(convo, before=convo, say=(say,)))
    while back.todo is not None:  # it is open again by itself: go back to the question that led there, or give up
        top = back.convo.top
        assert top is not None
        last = _last_question(back.path)
        convo = _put(back.convo, _without(top, last.key)) if last else convo._replace(frames=back.convo.frames[:-1])
        back = _settle(scripts, Step(convo, before=convo, say=(say,)))
    return back


def _arrived(scripts: Scripts, step: Step, event: Result) -> Step:
    """A late answer belongs to the frame that waits for exactly this attempt; any other is dropped."""
    frames = list(step.convo.frames)
    address = (event.flow, event.key, event.attempt)
    i = next((i for i, f in enumerate(frames) if (f.flow, f.waiting, f.attempt) == address), None)
    if i is None:
        return step._replace(convo=step.before, silent=True)
    frame = frames[i]
    found = walk(scripts(frame), frame.results)
    say: tuple[Say, ...] = ()
    if found.open is None or found.open.key != event.key or _binding(found.open) != frame.handed_on:
        frames[i] = frame._replace(waiting="")  # facts have changed: this answers a question nobody asks any more
    elif event.error:
        say = (Say(f"error.{event.error}", event.params),)
        frames[i] = frame._replace(waiting="")
        last = _last_question(found.path)
        if isinstance(found.open, Do) and last is not None:
            frames[i] = _without(frame, last.key)
    else:
        frames[i] = _with(frame, found.open, event.value)
    convo = step.convo._replace(frames=tuple(frames))
    freed = tuple(f._replace(waiting="") if f is frame else f for f in step.before.frames)
    return _settle(scripts, step._replace(convo=convo, say=say, before=step.before._replace(frames=freed)))


def shown(step: Step, screen: Shown) -> Conversation:
    """What to store once `screen` stands before the person."""
    convo = step.convo
    if convo.top is not None and step.open is not None:
        convo = _put(convo, convo.top._replace(asked=step.open.key))
    stamp = question_digest(step.open) if isinstance(step.open, Ask) else ""
    return convo._replace(shown=screen._replace(digest=stamp))
