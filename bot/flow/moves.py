"""What an event does to a conversation, and what the answers do that the shell brings to what is open."""

from typing import Any

from bot.events import File, Invalid, Refresh, Result, Say, Text
from bot.flow.conversation import Conversation, Frame, Shown
from bot.flow.digests import binding, question_digest
from bot.flow.happenings import Back, Cancel, Chosen, Happening, Resume, Start
from bot.flow.script import Ask, Do
from bot.flow.walking import Scripts, Step, Walked, endings, last_question, settle, walk

DEPTH = 3  # a conversation on top of a conversation on top of one is as much as anybody can follow


def begin(scripts: Scripts, convo: Conversation, event: Happening, now: int, pause: int) -> Step:
    """Take one event. `now` and `pause` in milliseconds: a text after so long a silence greets, it does not answer."""
    quiet = bool(convo.seen) and now - convo.seen > pause
    # A turn is never numbered twice, not even after the state was lost: an old button must stay an old button.
    step = Step(convo._replace(turn=max(convo.turn + 1, now), seen=max(now, convo.seen)), before=convo)
    if isinstance(event, Result | Refresh):  # no sign of life of the person
        step = step._replace(convo=step.convo._replace(seen=convo.seen))
        return _arrived(scripts, step, event) if isinstance(event, Result) else _refreshed(scripts, step, event)
    if isinstance(event, Start):
        return _start(scripts, step, event)
    step = settle(scripts, step)
    top = step.convo.top
    try:
        if top is None or step.open is None:
            return _nothing_open(step, event)
        match event:
            case Resume():
                return _anew(scripts, _with_line(step, event))
            case Cancel(line):
                below = step.convo.without_top()
                return _anew(scripts, settle(scripts, step._replace(convo=below, say=(*step.say, line)), ended=True))
            case Back():
                last = last_question(step.path)
                if last is None:
                    raise Invalid("nothing_before")
                return settle(scripts, step._replace(convo=step.convo.with_top(top.without(last.key))))
            case Text() | File() if step.waiting:
                raise Invalid("still_waiting")
            case Text() if quiet:
                return _anew(scripts, step._replace(say=(*step.say, Say("greet_again"))))
            case Chosen():
                return _chosen(scripts, step, top, event)
            case File() if isinstance(step.open, Ask) and top.asked == step.open.key and step.open.gather:
                return step._replace(open=Do(step.open.key, step.open.gather(event)), gathers=True)
            case Text() | File() if isinstance(step.open, Ask) and top.asked == step.open.key:
                if step.open.parse is None:
                    raise Invalid("choose" if isinstance(event, Text) else "no_file_here")
                answer = step.open.parse(event)
                if answer in [choice.value for choice in step.open.choices]:
                    raise Invalid("choose")  # only a button says what a button means
                return _answer(scripts, step, top, step.open, answer)
    except Invalid as wrong:
        if isinstance(event, File) and event.place[0] < event.place[1]:
            return step._replace(silent=True)  # the last of an album speaks for all of it
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


def _anew(scripts: Scripts, step: Step) -> Step:
    """The open question comes up again: see `Ask.anew`."""
    top, ask = step.convo.top, step.open
    if top is None or not isinstance(ask, Ask) or not ask.anew:
        return step
    return settle(scripts, step._replace(convo=step.convo.with_top(top.without(*ask.anew))))


def _went_on(scripts: Scripts, step: Step, kept: Frame, so_far: Walked | None = None) -> Step:
    """The top frame has a result more; where that ended it, a question below comes up again."""
    convo = step.convo.with_top(kept)
    found = settle(scripts, step._replace(convo=convo), so_far=so_far)
    return _anew(scripts, found) if len(found.convo.frames) < len(convo.frames) else found


def _start(scripts: Scripts, step: Step, event: Start) -> Step:
    frames = step.convo.frames
    running = next((frame for frame in frames if frame.flow == event.flow and frame.args == event.args), None)
    if running and not event.args:
        return _anew(scripts, settle(scripts, step))  # already on the way: show where it stands
    if running:  # one of several cards: whatever is said next must be about the one that was pressed
        frames = (*(frame for frame in frames if frame is not running), running)
        return settle(scripts, step._replace(convo=step.convo._replace(frames=frames)))
    left = tuple(frame for frame in frames if frame.flow not in event.over)
    if len(left) >= DEPTH:
        return settle(scripts, step._replace(say=(Say("error.too_deep"),)))
    frames = (*left, Frame(event.flow, event.args))
    return settle(scripts, step._replace(convo=step.convo._replace(frames=frames)))


def _chosen(scripts: Scripts, step: Step, top: Frame, event: Chosen) -> Step:
    ask, shown = step.open, step.convo.shown
    if not isinstance(ask, Ask) or top.asked != ask.key or event.turn != shown.turn:
        raise Invalid("old_button")
    choice = next((c for c in ask.choices if c.value == event.value), None)
    if choice is None or question_digest(ask) != shown.digest:
        raise Invalid("old_button")
    if step.waiting:
        raise Invalid("still_waiting")
    if choice.link:
        return step  # it is opened, not answered; who typed its words gets it again
    if choice.reopen:
        return settle(scripts, step._replace(convo=step.convo.with_top(top.without(*choice.reopen))))
    return _answer(scripts, step, top, ask, choice.value, chosen=True)


def _answer(scripts: Scripts, step: Step, top: Frame, ask: Ask[Any], value: Any, *, chosen: bool = False) -> Step:
    if ask.check and not chosen:  # a secret: hand it on, keep only what it proves
        return step._replace(open=Do(ask.key, ask.check(value)), checked=ask)
    return _went_on(scripts, step, top.keeping(ask, value), step.walked)


def supply(scripts: Scripts, step: Step, value: Any) -> Step:
    """The open `Do` was performed and brought `value`: JSON, or a `Say`, which is said, and true is kept."""
    top, done = step.convo.top, step.open
    assert top is not None
    assert isinstance(done, Do)
    if step.gathers:
        found = settle(scripts, step._replace(say=(*step.say, *endings(value))))
        stays = isinstance(found.open, Ask) and found.open.key == done.key
        return found._replace(silent=True) if stays and not found.say else found
    if isinstance(value, Say):
        step, value = step._replace(say=(*step.say, value)), True
    return _went_on(scripts, step, top.keeping(step.checked or done, value))


def wait(step: Step, attempt: str) -> Step:
    """The open `Do` was handed on; its result comes back as a `Result` naming this attempt."""
    top = step.convo.top
    assert top is not None
    assert step.open is not None
    assert not step.gathers, "more files may come: this brings None, and a Refresh later"
    frame = top._replace(waiting=step.open.key, attempt=attempt, handed_on=binding(step.checked or step.open))
    return step._replace(convo=step.convo.with_top(frame), open=step.checked or step.open, checked=None)


def refuse(scripts: Scripts, step: Step, wrong: Invalid) -> Step:
    """The open `Do` said no: as before the event, with the reason."""
    say = Say(f"error.{wrong.code}", wrong.params)
    convo = step.before._replace(turn=step.convo.turn, seen=step.convo.seen)
    over = len(convo.frames) < len(step.convo.frames)  # it was only just begun
    back = settle(scripts, Step(convo, before=convo, say=(say,)), ended=over)
    while back.todo is not None:  # it is open again by itself: go back to the question that led there, or give up
        top = back.convo.top
        assert top is not None
        last = last_question(back.path)
        convo = back.convo.with_top(top.without(last.key)) if last else back.convo.without_top()
        over = over or last is None
        back = settle(scripts, Step(convo, before=convo, say=(say,)), ended=over)
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
    if found.open is None or found.open.key != event.key or binding(found.open) != frame.handed_on:
        frames[i] = frame._replace(waiting="")  # facts have changed: this answers a question nobody asks any more
    elif event.error:
        say = (Say(f"error.{event.error}", event.params),)
        frames[i] = frame._replace(waiting="")
        last = last_question(found.path)
        if isinstance(found.open, Do) and last is not None:
            frames[i] = frame.without(last.key)
    else:
        frames[i] = frame.keeping(found.open, event.value)
    convo = step.convo._replace(frames=tuple(frames))
    freed = tuple(f._replace(waiting="") if f is frame else f for f in step.before.frames)
    return settle(scripts, step._replace(convo=convo, say=say, before=step.before._replace(frames=freed)))


def _refreshed(scripts: Scripts, step: Step, event: Refresh) -> Step:
    top = step.convo.top
    found = settle(scripts, step._replace(say=event.say))
    if top and (top.flow, top.asked) == (event.flow, event.key):
        return found
    elsewhere = (Say(event.elsewhere),) if event.elsewhere else ()
    return settle(scripts, step._replace(say=(*elsewhere, *event.say)))


def shown(step: Step, screen: Shown) -> Conversation:
    """What to store once `screen` stands before the person."""
    convo = step.convo
    top, open_ = convo.top, step.open
    if top is not None and open_ is not None:
        since = top.since if top.asked == open_.key else convo.turn
        convo = convo.with_top(top._replace(asked=open_.key, since=since))
    stamp = question_digest(step.open) if isinstance(step.open, Ask) else ""
    return convo._replace(shown=screen._replace(digest=stamp))
