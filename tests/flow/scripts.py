"""Who says what, and scripts that some tests share."""

from dataclasses import dataclass
from typing import Any

from bot.events import Invalid
from bot.flow import Ask, Choice, Do, Script
from bot.topic import Later
from tests.toy import (
    Check,
    Person,
    Send,
    address,
    number,
    registration,
    words,
)

ID, OTHER_ID = "1999900000013", "1999900000021"
MAIL, OTHER_MAIL = "somchai@example.go.th", "malee@example.go.th"
TO_CODE = (ID, MAIL, MAIL)


def slow(*kinds: type) -> Any:
    """These effects are handed on."""

    def answers(effect: object) -> bool:
        if isinstance(effect, kinds):
            raise Later
        return True

    return answers


def at_the_summary(person: Person | None = None) -> Person:
    somchai = (person or Person()).starts().says(*TO_CODE, "123456").presses("single")
    assert somchai.sees == "summary"
    return somchai


def other() -> Script[None]:
    yield from Ask[str]("reason", choices=(Choice("yes"),))


TWO = {"register": registration, "other": other}


def refuses(*effects: object) -> Any:
    def answers(effect: object) -> bool:
        if effect in effects:
            raise Invalid("no")
        return True

    return answers


def deployed(*, consent: bool = False, without_again: bool = False, mail: str = "email") -> Script[None]:
    """Tomorrow's registration."""
    id = yield from Ask[str]("id", number)
    if consent:
        yield from Ask[str]("consent", words)
    email = yield from Ask[str](mail, address)
    if not without_again:
        yield from Ask[str]("email_again", address, keep=lambda again: again == email)
    yield from Do[str]("sent", Send(id, email))
    yield from Ask[bool]("code", number, check=lambda code: Check(id, email, code))


@dataclass(frozen=True)
class Ruled:
    version: int


def waiting_for_the_check(flows: Any = TWO) -> Person:
    somchai = Person(flows, slow(Check)).starts().says(*TO_CODE, "123456")
    assert somchai.step.waiting
    assert "123456" not in str(somchai.convo)
    return somchai
