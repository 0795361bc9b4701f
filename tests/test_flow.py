"""Law 1, played as chats."""

from dataclasses import dataclass
from typing import Any

import pytest

from bot.events import Say
from bot.flow import Ask, Choice, Conversation, Do, Frame, Script, walk
from bot.topic import Later
from tests.toy import Check, LookUp, Person, Save, Send, registration, words

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


# --- from top to bottom ---------------------------------------------------------------------------------------------


def test_somchai_registers() -> None:
    somchai = Person().starts().says(*TO_CODE, "123456").presses("family").says("2", "Nok", "Ek")
    assert somchai.sees == "summary"
    assert "123456" not in str(somchai.convo)
    somchai.presses("save")
    assert somchai.did == [LookUp(ID), Send(ID, MAIL), Check(ID, MAIL, "123456"), Save(ID, MAIL, ("Nok", "Ek"))]
    assert somchai.sees == ""
    assert not somchai.convo.frames


# --- what comes late ------------------------------------------------------------------------------------------------


def test_a_proof_under_way_when_the_flow_was_cancelled_proves_nothing_for_the_next_run() -> None:
    """Somchai's own card, checked slowly, must not vouch for Malee's ID, typed while the check was on its way."""
    somchai = Person(answers=slow(Check)).starts().says(*TO_CODE, "123456")
    his = somchai.attempt
    somchai.cancels().starts().says(OTHER_ID, OTHER_MAIL, OTHER_MAIL, "999999")
    assert somchai.step.waiting
    somchai.hears("code", his)
    assert somchai.step.silent
    assert "code" not in somchai.kept
    somchai.hears("code", somchai.attempt)
    assert somchai.kept["code"] is True


@dataclass(frozen=True)
class Ruled:
    version: int


def test_a_result_is_good_only_for_the_effect_that_was_handed_on() -> None:
    """Facts changed while something slow was on its way: what comes back answers a question nobody asks any more."""
    rule = 1

    def judged() -> Script[None]:
        yield from Ask[str]("paper", words)
        yield from Do[str]("judgement", Ruled(rule))
        yield from Ask[str]("more", words)

    person = Person({"judged": judged}, slow(Ruled)).starts("judged").says("here")
    first = person.attempt
    rule = 2
    person.hears("judgement", first, "fine under rule 1", flow="judged")
    assert "judgement" not in person.kept
    assert person.did == [Ruled(1), Ruled(2)]
    assert person.step.waiting
    person.hears("judgement", person.attempt, "fine under rule 2", flow="judged")
    assert person.sees == "more"


def test_a_result_for_nobody_swallows_no_news() -> None:
    news = False

    def chat() -> Script[None]:
        if news:
            yield from Do("told", Say("news"))
        yield from Ask[str]("question", words)

    person = Person({"chat": chat}).starts("chat")
    news = True
    person.hears("something", "no such attempt", flow="chat")
    assert person.step.silent
    assert person.looks().told == ["news"]


# --- scripts that are wrong -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "second", [Ask[str]("x", words), Ask[str]("x", words, keep=lambda _: False), Do("x", LookUp(ID))]
)
def test_one_key_twice_is_a_mistake_of_the_script_and_said_at_once(second: Ask[str] | Do[str]) -> None:
    def twice() -> Script[None]:
        yield from Ask[str]("x", words)
        yield from second

    with pytest.raises(ValueError, match="twice"):
        Person({"twice": twice}).starts("twice").says("a")


# --- ugly states ----------------------------------------------------------------------------------------------------


def test_a_choice_that_is_no_longer_offered_is_asked_again() -> None:
    somchai = Person().starts().says(*TO_CODE, "123456").presses("single")
    frame: Frame = somchai.convo.frames[0]
    stored = {**frame.results, "kind": ["widower", ""]}
    found = walk(registration(), stored)
    assert found.open is not None
    assert found.open.key == "kind"


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
    def other() -> Script[None]:
        yield from Ask[str]("reason", choices=(Choice("yes"),))

    person = Person({"register": registration, "other": other}).starts().says(ID).starts("other").cancels()
    assert person.told == ["cancelled", "resume.register"]
    assert person.sees == "email"
