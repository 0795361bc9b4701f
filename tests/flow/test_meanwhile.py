"""Law 1: old buttons, long silence, a deploy in mid-conversation."""

from typing import Any

import pytest

from bot.flow import Ask, Choice, Do, Script
from tests.flow.scripts import ID, MAIL, TO_CODE, at_the_summary, deployed
from tests.toy import (
    HOUR,
    Person,
    Save,
    Send,
)


def test_a_button_of_an_earlier_screen_is_an_old_button() -> None:
    somchai = Person().starts().says(*TO_CODE, "123456")
    then = somchai.convo.shown.turn
    somchai.presses("single")
    assert somchai.presses("single", then).told == ["error.old_button"]
    assert somchai.sees == "summary"
    assert somchai.looks().presses("save", then).told == ["error.old_button"]
    assert not [effect for effect in somchai.did if isinstance(effect, Save)]


def test_a_button_that_was_never_offered_is_an_old_button() -> None:
    somchai = at_the_summary()
    assert somchai.presses("delete_all").told == ["error.old_button"]
    assert Person().presses("save", 1).told == ["error.old_button"]


def test_yes_is_said_to_what_was_shown_and_to_nothing_else() -> None:
    """Facts changed between the summary and the button below it."""
    fee = 100

    def pay() -> Script[None]:
        yield from Ask[str]("pay", choices=(Choice("yes"),), params={"fee": fee})
        yield from Do[bool]("paid", Save("", "", ()), final=True)

    person = Person({"pay": pay}).starts("pay")
    fee = 900
    assert person.presses("yes").told == ["error.old_button"]
    assert person.did == []
    person.presses("yes")
    assert person.did == [Save("", "", ())]


def test_after_a_long_silence_a_text_greets_and_does_not_answer() -> None:
    somchai = Person().starts().says(ID)
    somchai.now += 13 * HOUR
    somchai.says("hello@again")
    assert somchai.told == ["greet_again"]
    assert somchai.sees == "email"
    assert "email" not in somchai.kept
    assert somchai.says(MAIL).sees == "email_again"


def test_after_a_long_silence_a_button_still_means_what_it_says() -> None:
    somchai = at_the_summary()
    somchai.now += 13 * HOUR
    assert somchai.presses("edit_kind").sees == "kind"


@pytest.mark.parametrize(
    ("said", "change", "lands_at"),
    [
        ((ID,), {"consent": True}, "consent"),
        ((ID, MAIL), {"without_again": True}, "code"),
        ((ID, MAIL), {"mail": "address"}, "address"),
        ((ID, MAIL), {"consent": True}, "consent"),
    ],
)
def test_a_deploy_in_mid_conversation(said: tuple[str, ...], change: dict[str, Any], lands_at: str) -> None:
    """A text that was typed for yesterday's question is not taken for the answer to today's."""
    somchai = Person({"register": deployed}).starts().says(*said)
    kept = somchai.kept
    somchai.flows = {"register": lambda: deployed(**change)}
    somchai.says("meant@for-the-old-question")
    assert somchai.sees == lands_at
    assert "meant@for-the-old-question" not in str(somchai.convo)
    assert {key: value for key, value in somchai.kept.items() if key != "sent"} == kept


def test_a_deploy_behind_the_person_only_fills_the_gap() -> None:
    somchai = Person({"register": deployed}).starts().says(ID, MAIL, MAIL)
    somchai.flows = {"register": lambda: deployed(consent=True)}
    assert somchai.says("123456").sees == "consent"
    assert somchai.says("yes").sees == "code"
    assert somchai.did == [Send(ID, MAIL)]
