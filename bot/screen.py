"""Between words and the engine: what a step looks like, and what a person meant by a text or a button. Pure.

A button's data is a token: `c<turn>.<index>.<mac>`, ≤ 48 bytes. It names the screen that showed it and one of its
buttons; the MAC binds both to the account, so a token from elsewhere means nothing here. Buttons of the menu
(`go:<name>`) name a thing that may be started at any time and prove nothing; whether this person may is checked
when it starts.

Buttons on cards outlive the screen: `a<letter><id of a thing><what was seen of it><mac>`, 48 bytes, always. The MAC
binds them to the account and to the person behind it. They start a flow whatever else is going on, and prove only that
this was offered to this person here: whether it still holds, and may still be done, is the flow's to find out.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from bot.events import Button, Event, File, Language, Message, Opened, Other, Press, Refresh, Result, Say, Text
from bot.flow import Ask, Back, Cancel, Chosen, Conversation, Frame, Happening, Resume, Shown, Start, Step
from bot.text import Texts, fold
from bot.values import frozen

BACK, HELP, CANCEL = "@back", "@help", "@cancel"
CONTROLS = {BACK: "control.back", HELP: "control.help", CANCEL: "control.cancel"}


@frozen
class Command:
    """Something that concerns the chat rather than the question: `help`, `lang.th`, `lang.en`."""

    name: str


@frozen
class Unclear:
    """Nobody's turn to answer, and no word we know."""


@frozen
class Unknown:
    """A button of a card, pressed by nobody we know: whether it is theirs shows when they have logged in."""


Meaning = Happening | Command | Unclear | Unknown
TYPED: dict[str, Meaning] = {"words.back": Back(), "words.cancel": Cancel(), "words.menu": Cancel()}
COMMANDS = ("help", "lang.th", "lang.en")
ACTION = "go:"
LONGEST = 48  # bytes of a token
_ACT = re.compile(r"a([a-z])([0-9a-hjkmnp-tv-z]{26})([0-9a-f]{8})([0-9A-Za-z_-]{12})", re.ASCII)


class Buttons:
    """Makes and checks button tokens."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def token(self, account: str, turn: int, index: int) -> str:
        return f"c{turn:x}.{index:x}.{self._mac(account, turn, index)}"

    def read(self, account: str, token: str) -> tuple[int, int] | None:
        """(turn, index), or None for anything that was not made here for this account."""
        if len(token) > LONGEST:
            return None
        try:
            head, index_text, mac = token.split(".")
            turn, index = int(head[1:], 16), int(index_text, 16)
        except ValueError:
            return None
        genuine = hmac.compare_digest(mac.encode("utf-8", "replace"), self._mac(account, turn, index).encode())
        return (turn, index) if genuine and head.startswith("c") else None

    def act(self, account: str, person: str, letter: str, item: str, seen: str) -> str:
        """Of a button on a card. Raises `ValueError` for an item or a `seen` that no token has room for."""
        token = f"a{letter}{item}{seen}{self._mac_of_act(account, person, letter, item, seen)}"
        if self.read_act(account, person, token) != (letter, item, seen):
            raise ValueError(f"no button can name this: {letter!r}, {item!r}, {seen!r}")
        return token

    def read_act(self, account: str, person: str, token: str) -> tuple[str, str, str] | None:
        """(letter, item, seen), or None for anything that was not made here for this person in this account."""
        found = _ACT.fullmatch(token)
        if found is None:
            return None
        letter, item, seen, mac = found.groups()
        genuine = hmac.compare_digest(mac, self._mac_of_act(account, person, letter, item, seen))
        return (letter, item, seen) if genuine else None

    def _mac(self, account: str, turn: int, index: int) -> str:
        return self._digest(f"{account}\x1f{turn}\x1f{index}", 12)

    def _mac_of_act(self, *parts: str) -> str:
        return self._digest("\x1f".join(("act", *parts)), 9)

    def _digest(self, what: str, size: int) -> str:
        digest = hashlib.blake2b(what.encode(), key=self._secret, digest_size=size).digest()
        return base64.urlsafe_b64encode(digest).decode()


def understand(
    event: Event,
    account: str,
    convo: Conversation,
    buttons: Buttons,
    texts: Texts,
    starts: Mapping[str, str],
    acts: Mapping[str, str],
    person: str | None,
) -> Meaning:
    """`starts`: what may be typed to start a flow, catalogue key → flow. `acts`: letter → flow, for whoever is `person`
    in this account."""
    match event:
        case Result() | File() | Refresh():
            return event
        case Opened() | Other():
            return Resume()
        case Press(data) if data.startswith(ACTION):
            name = data.removeprefix(ACTION)
            if name in COMMANDS:
                return Command(name)
            return Start(name) if name in starts.values() else Chosen("", -1)
        case Press(data) if data.startswith("a"):
            if person is None:
                return Unknown() if _ACT.fullmatch(data) else Chosen("", -1)
            letter, item, seen = buttons.read_act(account, person, data) or ("", "", "")
            return Start(acts[letter], {"item": item, "seen": seen}) if letter in acts else Chosen("", -1)
        case Press(data):
            turn, index = buttons.read(account, data) or (-1, 0)
            values = convo.shown.values
            if turn != convo.shown.turn or index >= len(values):
                return Chosen("", -1)
            return _control(values[index]) or Chosen(values[index], turn)
        case Text(body):
            return _typed(body, convo, texts, starts)
    raise TypeError(event)


def _control(value: str) -> Meaning | None:
    meanings: dict[str, Meaning] = {BACK: Back(), HELP: Command("help"), CANCEL: Cancel()}
    return meanings.get(value)


def _typed(body: str, convo: Conversation, texts: Texts, starts: Mapping[str, str]) -> Meaning:
    """Everything a button does can also be typed (LINE for PC shows neither menu nor quick replies)."""
    shown = convo.shown
    if len(body) > 100:  # longer than any command or label: an answer, and not worth comparing
        return Text(body) if convo.frames else Unclear()
    folded = fold(body)
    for value, label in zip(shown.values, shown.labels, strict=False):
        if folded == _folded(label):
            return _control(value) or Chosen(value, shown.turn)
    for key, meaning in TYPED.items():
        if folded in texts.words(key):
            return meaning
    for name in COMMANDS:
        if folded in texts.words(f"words.{name}"):
            return Command(name)
    for key, flow in starts.items():
        if folded in texts.words(key):
            return Start(flow)
    return Text(body) if convo.frames else Unclear()


@lru_cache(1024)  # the same few labels, over and over
def _folded(label: str) -> str:
    return fold(label)


def render(
    step: Step, account: str, language: Language, buttons: Buttons, texts: Texts, menu: tuple[str, ...]
) -> tuple[Message, Shown]:
    """The step as one message. `menu`: what may be started when nothing is open."""
    turn = step.convo.turn
    lines = [texts.say(language, say) for say in step.say]
    if not isinstance(step.open, Ask) and not step.waiting:
        lines = lines or [texts(language, "home.welcome")]
        entries = tuple(menu_button(texts, language, name) for name in menu)
        other: Language = "en" if language == "th" else "th"
        switch = Button(texts(language, "control.language"), f"{ACTION}lang.{other}", "quiet")
        aid = Button(texts(language, "control.help"), f"{ACTION}help", "quiet")
        return Message((*lines, texts(language, "home.choose")), (*entries, switch, aid), "text", language), Shown(turn)
    values: list[tuple[str, str, Any, str]] = []  # value, label, style, link
    if isinstance(step.open, Ask) and not step.waiting:
        lines.append(texts(language, step.open.words, step.open.params))
        values = [(c.value, texts(language, c.words, c.params), c.style, c.link) for c in step.open.choices]
        typed = step.open.input
    else:
        assert step.open is not None
        lines.append(texts(language, f"wait.{step.open.key}", _kept(step)))
        typed = "text"
    controls = (BACK, HELP, CANCEL) if step.can_go_back else (HELP, CANCEL)
    values += [(control, texts(language, CONTROLS[control]), "quiet", "") for control in controls]
    made = tuple(
        Button(label, "" if link else buttons.token(account, turn, i), style, link)
        for i, (_, label, style, link) in enumerate(values)
    )
    shown = Shown(turn, tuple(v[0] for v in values), labels=tuple(v[1] for v in values))
    return Message(tuple(lines), made, typed, language), shown


def menu_button(texts: Texts, language: Language, flow: str) -> Button:
    return Button(texts(language, f"menu.{flow}"), ACTION + flow)


def _kept(step: Step) -> Mapping[str, object]:
    """A screen that waits may name what was kept just before (a reference number)."""
    top = step.convo.top
    last = step.path[-1] if step.path else None
    value = top.results[last.key][0] if top and last else None
    return value if isinstance(value, dict) else {}


def help_for(step: Step, texts: Texts) -> Say:
    """Help about the open question as it is put (`ask.pages_card`), or else about the question itself, however put
    (`pages.father`: `help.pages`); else help in general. Parts of a word mean nothing: `name_changed` is no `name`."""
    if not isinstance(step.open, Ask):
        return Say("help.general")
    names = (step.open.words.removeprefix("ask."), step.open.key.partition(".")[0])
    return Say(next((key for name in names if texts.has(key := f"help.{name}")), "help.general"))


# --- keeping --------------------------------------------------------------------------------------------------------


def dump(convo: Conversation) -> dict[str, Any]:
    """Spelled out: `dataclasses.asdict` copies whatever it meets, and this is done for every event."""
    return {
        "frames": [
            {
                "flow": frame.flow,
                "args": frame.args,
                "results": frame.results,
                "asked": frame.asked,
                "attempt": frame.attempt,
                "handed_on": frame.handed_on,
                "waiting": frame.waiting,
                "since": frame.since,
            }
            for frame in convo.frames
        ],
        "turn": convo.turn,
        "seen": convo.seen,
        "shown": {
            "turn": convo.shown.turn,
            "values": convo.shown.values,
            "digest": convo.shown.digest,
            "labels": convo.shown.labels,
        },
    }


def load(stored: Any) -> Conversation:
    """The stored form, which another version may have written: raises nothing; what is unsound starts afresh."""
    try:
        frames = tuple(Frame(**frame) for frame in stored["frames"])
        shown = Shown(**{**stored["shown"], **{k: tuple(stored["shown"][k]) for k in ("values", "labels")}})
        convo = Conversation(frames, stored["turn"], stored["seen"], shown)
    except (KeyError, TypeError, ValueError, AttributeError):
        return Conversation()
    texts = [shown.digest, *shown.values, *shown.labels]
    texts += [text for f in frames for text in (f.flow, f.asked, f.attempt, f.waiting, f.handed_on)]
    numbers = [convo.turn, convo.seen, shown.turn, *(f.since for f in frames)]
    maps = [m for f in frames for m in (f.args, f.results)]
    sound = (
        all(isinstance(text, str) for text in texts)
        and all(type(number) is int and 0 <= number < 1 << 62 for number in numbers)
        and all(isinstance(m, dict) and all(isinstance(key, str) for key in m) for m in maps)
    )
    return convo if sound else Conversation()
