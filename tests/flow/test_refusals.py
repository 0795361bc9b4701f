"""Law 1: effects that refuse, and scripts that are wrong."""

import pytest

from bot.flow import Ask, Do, Script
from tests.flow.scripts import ID, MAIL, TO_CODE, deployed, refuses
from tests.toy import (
    Check,
    LookUp,
    Person,
    Send,
    address,
    number,
    registration,
    words,
)


def test_a_refusal_leaves_everything_as_before_and_tells_why() -> None:
    somchai = Person(answers=refuses(Send(ID, MAIL))).starts().says(ID, MAIL)
    before = somchai.kept
    somchai.says(MAIL)
    assert somchai.told == ["error.no"]
    assert somchai.sees == "email_again"
    assert somchai.kept == before
    assert somchai.did == [LookUp(ID), Send(ID, MAIL)]


def test_a_refused_secret_is_asked_again_and_nothing_is_sent_again() -> None:
    somchai = Person(answers=refuses(Check(ID, MAIL, "246810"))).starts().says(*TO_CODE, "246810")
    assert somchai.told == ["error.no"]
    assert somchai.sees == "code"
    assert "246810" not in str(somchai.convo)
    assert somchai.says("123456").sees == "kind"


def test_a_new_code_that_is_refused_leaves_the_old_one_good() -> None:
    somchai = Person().starts().says(*TO_CODE)
    before = somchai.kept
    somchai.answers = refuses(Send(ID, MAIL))
    somchai.presses("resend")
    assert somchai.told == ["error.no"]
    assert (somchai.sees, somchai.kept) == ("code", before)
    assert somchai.says("123456").sees == "kind"


def test_a_flow_whose_first_step_is_refused_does_not_begin() -> None:
    def closed() -> Script[None]:
        yield from Do[bool]("open", LookUp(ID))

    person = Person({"register": registration, "closed": closed}, refuses(LookUp(ID))).starts().starts("closed")
    assert person.told == ["error.no", "resume.register"]
    assert person.sees == "id"
    assert len(person.convo.frames) == 1


def test_what_is_refused_after_a_deploy_goes_back_to_a_question_and_never_loops() -> None:
    somchai = Person({"register": deployed}, refuses(LookUp(ID))).starts().says(ID, MAIL)

    def stricter() -> Script[None]:
        id = yield from Ask[str]("id", number)
        yield from Do[str]("found", LookUp(id))
        yield from Ask[str]("email", address)

    somchai.flows = {"register": stricter}
    assert somchai.says(MAIL).told == ["error.no"]
    assert somchai.sees == "id"
    assert somchai.did == [LookUp(ID)]


@pytest.mark.parametrize(
    "second", [Ask[str]("x", words), Ask[str]("x", words, keep=lambda _: False), Do("x", LookUp(ID))]
)
def test_one_key_twice_is_a_mistake_of_the_script_and_said_at_once(second: Ask[str] | Do[str]) -> None:
    def twice() -> Script[None]:
        yield from Ask[str]("x", words)
        yield from second

    with pytest.raises(ValueError, match="twice"):
        Person({"twice": twice}).starts("twice").says("a")
