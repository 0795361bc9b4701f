"""Signed by hand, they say: asked once more where a page does not seem to be. Played without a house."""

from datetime import date
from typing import Any

import pytest

from bot.events import Say
from bot.flow import Ask, Do
from handlers.documents import effects as do
from handlers.documents import script
from handlers.documents.rules import Family, Options, checklist, slots
from handlers.documents.script import Facts, InHand

PAPER = InHand("taken", version=7, sheets=3, unmarked=(2, 3))


def facts(paper: InHand, **more: Any) -> Facts:
    owed = checklist(slots(Family(), Options()), {"house": paper.state})
    return Facts(
        today=date(2026, 11, 21), campaign="c1", family=Family(), checklist=owed, papers={"house": paper}, **more
    )


def after(facts: Facts, *answers: Any) -> Any:
    """What is asked or done once these were answered."""
    going = script.paper(facts, {"slot": "house"})
    step = next(going)
    for answer in answers:
        step = going.send(answer)
    return step


def values(ask: Ask[Any]) -> list[str]:
    return [choice.value for choice in ask.choices]


@pytest.mark.parametrize("unmarked", [(), (2, 3)])
def test_nothing_of_it_shows_before_they_say_so(unmarked: tuple[int, ...]) -> None:
    ask = after(facts(InHand("taken", version=7, sheets=3, unmarked=unmarked)))
    assert (ask.key, values(ask)) == ("certify.house.7", ["sign", "signed_by_hand", "replace", "to_list"])


def test_where_nothing_is_missing_or_known_there_is_no_question() -> None:
    done = after(facts(InHand("taken", version=7, sheets=3)), "signed_by_hand")
    assert isinstance(done, Do)
    assert done.effect == do.DeclareSigned("c1", "house", 7)


def test_the_pages_are_named_and_the_answer_is_theirs() -> None:
    ask = after(facts(PAPER), "signed_by_hand")
    assert (ask.key, ask.words) == ("unmarked.house.7", "ask.unmarked")
    assert dict(ask.params) == {"paper": Say("paper.house", {"n": 0}), "pages": "2, 3"}
    assert after(facts(PAPER), "signed_by_hand", "signed_by_hand").effect == do.DeclareSigned("c1", "house", 7)


def test_another_one_instead() -> None:
    assert after(facts(PAPER), "signed_by_hand", "replace").effect == do.Discard("c1", "house", "7")


def test_on_the_phone_after_all_and_back() -> None:
    assert after(facts(PAPER), "signed_by_hand", "sign").effect == do.OpenPage("c1", "house", 7)
    page = after(facts(PAPER), "signed_by_hand", "sign", {"path": "/certify/x"})
    other = next(choice for choice in page.choices if choice.value == "other_way")
    assert other.reopen == ("certify.house.7", "unmarked.house.7", "opened")
    assert after(facts(PAPER, signed=True), "signed_by_hand", "stamp", "stamp_now").effect == do.Stamp("c1", "house", 7)


def test_which_ways_there_are_is_the_offices_affair() -> None:
    assert values(after(facts(PAPER), "signed_by_hand")) == ["signed_by_hand", "sign", "replace"]
    assert values(after(facts(PAPER, signed=True), "signed_by_hand")) == ["signed_by_hand", "stamp", "sign", "replace"]
    assert values(after(facts(PAPER, on_phone=False), "signed_by_hand")) == ["signed_by_hand", "replace"]
