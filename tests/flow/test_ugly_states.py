"""Law 1: gaps and junk in the store are asked or done again."""

from typing import Any

import pytest

from bot.flow import Conversation, Frame
from bot.flow.walking import walk
from tests.flow.scripts import ID, TO_CODE, TWO, at_the_summary
from tests.toy import (
    Person,
    registration,
)


def test_a_choice_that_is_no_longer_offered_is_asked_again() -> None:
    somchai = Person().starts().says(*TO_CODE, "123456").presses("single")
    frame: Frame = somchai.convo.frames[0]
    stored = {**frame.results, "kind": ["widower", ""]}
    found = walk(registration(), stored)
    assert found.open is not None
    assert found.open.key == "kind"


@pytest.mark.parametrize("key", ["id", "found", "email", "email_again", "sent", "code", "kind"])
def test_a_gap_is_asked_or_done_again(key: str) -> None:
    results = dict(at_the_summary().convo.frames[0].results)
    del results[key]
    found = walk(registration(), results)
    assert found.open is not None
    assert found.open.key == key


@pytest.mark.parametrize("junk", [None, 7, "x", [], ["x"], [1, 2, 3], {"0": 1}, ["x", None], ["x", "no such digest"]])
@pytest.mark.parametrize("key", ["id", "found", "email_again", "code", "kind"])
def test_junk_in_the_store_is_asked_or_done_again(key: str, junk: Any) -> None:
    somchai = at_the_summary()
    found = walk(registration(), {**somchai.convo.frames[0].results, key: junk})
    assert found.open is not None
    assert found.open.key == key


def test_a_judgement_that_fails_over_an_odd_value_asks_again() -> None:
    somchai = at_the_summary()
    stored = {**somchai.convo.frames[0].results, "kind": ["family", ""], "children": ["three", ""]}
    found = walk(registration(), stored)
    assert found.open is not None
    assert found.open.key == "children"


def test_a_button_from_before_the_state_was_lost_is_an_old_button() -> None:
    """A session ended and its conversation with it; the buttons of that time still stand in the chat."""
    somchai = Person().starts().says(*TO_CODE, "123456")
    then = somchai.convo.shown.turn
    somchai.convo = Conversation()
    somchai.starts().says(*TO_CODE, "123456")
    assert somchai.sees == "kind"
    somchai.presses("family", then)
    assert somchai.told == ["error.old_button"]
    assert somchai.sees == "kind"


def test_after_a_cancel_on_top_the_matter_below_says_where_the_person_was() -> None:
    person = Person(TWO).starts().says(ID).starts("other").cancels()
    assert person.told == ["cancelled", "resume.register"]
    assert person.sees == "email"
