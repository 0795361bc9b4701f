"""The conversation that every subject holds: six events, six replies, the same words and checks as KP7's own login.

0 greeting and menu · 1 privacy notice · 2 ID number · 3 name · 4 birth date · 5 laser code. The person who plays it is
on nobody's roster, so KP7 walks the whole path of a check and sends no mail.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from bot import thai
from bot.events import Invalid, Language, Say
from bot.text import Texts

STEPS = 6
LOGIN = "go:login"
ACKNOWLEDGE = "c1.0.AAAAAAAAAAAAAAAA"  # as long as a token of KP7's
LANGUAGE: Language = "th"

_texts = Texts()
_CONTROLS = ("control.back", "control.help", "control.cancel")


@dataclass(frozen=True)
class Screen:
    """One reply: words before the question (catalogue keys), the question, its buttons (key, data)."""

    before: tuple[str, ...]
    question: str
    buttons: tuple[tuple[str, str], ...]


def _screen(before: tuple[str, ...], question: str, *keys: tuple[str, str]) -> Screen:
    controls = tuple((key, f"c1.{i}.BBBBBBBBBBBBBBBB") for i, key in enumerate(_CONTROLS, start=1))
    return Screen(before, question, (*keys, *controls))


SCREENS = (
    Screen(
        ("home.welcome",),
        "home.choose",
        (("menu.login", LOGIN), ("control.language", "go:lang.en"), ("control.help", "go:help")),
    ),
    _screen((), "ask.notice", ("choice.acknowledge", ACKNOWLEDGE)),
    _screen((), "ask.national_id"),
    _screen(("register.no_email",), "ask.name"),
    _screen((), "ask.birth_date", ("choice.birth_unknown", "c1.0.CCCCCCCCCCCCCCCC")),
    _screen((), "ask.laser"),
)


def lines(step: int, answers: Mapping[int, str]) -> tuple[str, ...]:
    """The words of a reply, the question last."""
    screen = SCREENS[step]
    params: dict[str, object] = {}
    if step == 1:
        params = {"way": Say("way.web")}
    if step == 5:
        params = {"birth_date": date.fromisoformat(answers[4])}
    return (*(_texts(LANGUAGE, key) for key in screen.before), _texts(LANGUAGE, screen.question, params))


def buttons(step: int) -> tuple[tuple[str, str], ...]:
    return tuple((_texts(LANGUAGE, key), data) for key, data in SCREENS[step].buttons)


def check(step: int, said: str) -> str:
    """What is kept of the answer to `step`'s question. Raises `Invalid`."""
    if step < 2:
        if said != (LOGIN, ACKNOWLEDGE)[step]:
            raise Invalid("not_offered")
        return said
    if step == 2:
        return thai.national_id(said)
    if step == 3:
        name = thai.clean(said)
        if len(name.split()) < 2:
            raise Invalid("name_format")
        return name
    return thai.birth_date(said, datetime.now(UTC).date()).isoformat()


def refusal(error: Invalid) -> str:
    return _texts(LANGUAGE, f"error.{error.code}", error.params)


# --- the person -----------------------------------------------------------------------------------------------------


def typed(user: int, step: int) -> str:
    """What user number `user` types at event 3, 4 or 5. IDs of this range are in no register, nor in the samples."""
    if step == 3:
        first = f"19998{user:07d}"
        return first + thai.check_digit(first)
    return "สมชาย ทดสอบ" if step == 4 else "๑ มกราคม ๒๕๑๒"


def mark(step: int) -> str:
    """A piece of the question that the reply to `step` must hold, whatever was filled in: no error and no other
    question has it."""
    template = _texts.prefixed(LANGUAGE, SCREENS[step].question)[SCREENS[step].question]
    return max(re.split(r'\{[^}]*\}|[\n"]', template), key=len)
