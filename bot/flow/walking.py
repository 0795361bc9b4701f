"""Scripts are walked over what is kept, to the step that is open. No event here: what one does is in `moves.py`."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bot.events import Say
from bot.flow.conversation import Conversation, Frame
from bot.flow.digests import binding
from bot.flow.script import Ask, Do, Script, Then

MOST_TURNED = 8  # flows in a row that ask nothing
Scripts = Callable[[Frame], Script[Any]]


class Walked(NamedTuple):
    """How far a script got: over `path` to what is `open`, where it stands still, or to its `end`."""

    path: tuple[Ask[Any] | Do[Any], ...]
    open: Ask[Any] | Do[Any] | None
    end: Any
    script: Script[Any] | None = None


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


def _good(step: Ask[Any] | Do[Any], kept: object) -> bool:
    """The store may hold anything (an older deploy wrote it): what is not surely good is asked or done again."""
    if not isinstance(kept, list) or len(kept) != 2 or kept[1] != binding(step):
        return False
    if isinstance(step, Do):
        return True
    if step.parse is None and kept[0] not in [choice.value for choice in step.choices if not choice.link]:
        return False
    try:
        return bool(step.keep(kept[0]))
    except Exception:
        return False


def last_question(path: tuple[Ask[Any] | Do[Any], ...]) -> Ask[Any] | None:
    for step in reversed(path):
        if isinstance(step, Do) and step.final:
            return None
        if isinstance(step, Ask) and step.undo:
            return step
    return None


class Step(NamedTuple):
    """Where the conversation stands. `open`: a `Do` to perform, an `Ask` to show, or None when nothing runs.

    `before` is what a refusal falls back to; `checked` is the question whose `check` the open `Do` stands for;
    `gathers`: the question that stays while the open `Do` takes a file in; `silent`: a result came too late for
    anybody, or a file was taken in and is being looked at: there is nothing to say; `walked`: the top frame's script,
    as far as it got with the facts of this moment.
    """

    convo: Conversation
    before: Conversation
    say: tuple[Say, ...] = ()
    open: Ask[Any] | Do[Any] | None = None
    path: tuple[Ask[Any] | Do[Any], ...] = ()
    checked: Ask[Any] | None = None
    gathers: bool = False
    silent: bool = False
    walked: Walked | None = None

    @property
    def waiting(self) -> bool:
        """Something slow is on its way: nothing to perform, nothing to ask."""
        top = self.convo.top
        return bool(top and self.open and not self.checked and top.waiting == self.open.key)

    @property
    def todo(self) -> Do[Any] | None:
        return self.open if isinstance(self.open, Do) and not self.waiting else None

    @property
    def can_go_back(self) -> bool:
        return last_question(self.path) is not None


def endings(value: object) -> tuple[Say, ...]:
    """A script may return its closing words."""
    if isinstance(value, Say):
        return (value,)
    return value if isinstance(value, tuple) else ()


def settle(scripts: Scripts, step: Step, *, ended: bool = False, so_far: Walked | None = None) -> Step:
    """Walk the top frame; show what a script only says; close frames that ended, going on with the one below.

    `so_far`: the top frame has only gained the result of what was open, and the facts are the same: go on from there.
    """
    convo, say, turned = step.convo, list(step.say), 0
    while convo.frames:
        frame = convo.frames[-1]
        script = so_far.script if so_far and so_far.script else scripts(frame)
        found = walk(script, frame.results, so_far)
        match found.open:
            case Do(effect=Say() as words):
                say.append(words)
                convo, so_far = convo.with_top(frame.keeping(found.open, True)), found
            case None if isinstance(found.end, Then):
                turned += 1
                if turned > MOST_TURNED:
                    raise RuntimeError(f"{frame.flow} goes round and round without a question")
                say.extend(found.end.say)
                convo, so_far = convo.with_top(Frame(found.end.flow, found.end.args)), None
            case None:
                say.extend(endings(found.end))
                convo, so_far = convo.without_top(), None
                ended = True
            case _:
                if ended:  # say where the person was before the other matter came up
                    say.append(Say(f"resume.{frame.flow}"))
                return step._replace(
                    convo=convo, say=tuple(say), open=found.open, path=found.path, checked=None, gathers=False,
                    walked=found,
                )  # fmt: skip
    return step._replace(convo=convo, say=tuple(say), open=None, path=(), checked=None, gathers=False, walked=None)
