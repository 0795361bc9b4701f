"""Law 1, played as chats: from top to bottom, back, another answer, cancel."""

import pytest

from bot.events import File, Say
from bot.flow import Ask, Cancel, Choice, Do, Script
from tests.flow.scripts import ID, MAIL, OTHER_ID, OTHER_MAIL, TO_CODE, at_the_summary
from tests.toy import (
    Check,
    LookUp,
    Person,
    Save,
    Send,
    words,
)


def test_somchai_registers() -> None:
    somchai = Person().starts().says(*TO_CODE, "123456").presses("family").says("2", "Nok", "Ek")
    assert somchai.sees == "summary"
    assert "123456" not in str(somchai.convo)
    somchai.presses("save")
    assert somchai.did == [LookUp(ID), Send(ID, MAIL), Check(ID, MAIL, "123456"), Save(ID, MAIL, ("Nok", "Ek"))]
    assert somchai.sees == ""
    assert not somchai.convo.frames


@pytest.mark.parametrize(
    ("said", "error", "asked"),
    [
        (("abc",), "error.digits_wanted", "id"),
        ((ID, "nobody"), "error.email_wanted", "email"),
        ((*TO_CODE, "x"), "error.digits_wanted", "code"),
        ((*TO_CODE, "123456", "single"), "error.choose", "kind"),
    ],
)
def test_what_does_not_fit_is_said_and_asked_again(said: tuple[str, ...], error: str, asked: str) -> None:
    somchai = Person().starts().says(*said)
    assert somchai.told == [error]
    assert somchai.sees == asked


def test_a_file_is_an_answer_only_where_one_is_read() -> None:
    assert Person().starts().does(File("x.pdf")).told == ["error.text_wanted"]
    assert Person().does(File("x.pdf")).told == ["error.no_file_wanted"]


def test_back_goes_question_by_question_and_sends_nothing_again() -> None:
    somchai = at_the_summary()
    done = list(somchai.did)
    seen = [somchai.back().sees for _ in range(5)]
    assert seen == ["kind", "code", "email_again", "email", "id"]
    assert somchai.back().told == ["error.nothing_before"]
    assert somchai.sees == "id"
    assert somchai.did == done


def test_back_and_the_same_answers_send_nothing_again() -> None:
    somchai = at_the_summary()
    done = list(somchai.did)
    for _ in range(5):
        somchai.back()
    somchai.says(*TO_CODE)
    assert somchai.sees == "code"
    assert somchai.did == done


def test_back_does_not_lead_before_what_cannot_be_taken_back() -> None:
    def visit() -> Script[None]:
        yield from Ask[str]("reason", words)
        yield from Do[bool]("booked", Save("", "", ()), final=True)
        yield from Ask[str]("remark", words)
        yield from Ask[str]("thanks", words)

    person = Person({"visit": visit}).starts("visit").says("tooth", "none")
    assert person.back().sees == "remark"
    assert person.back().told == ["error.nothing_before"]
    assert person.sees == "remark"


def test_what_was_proved_for_one_id_proves_nothing_for_another() -> None:
    somchai = at_the_summary().presses("edit_id")
    assert somchai.sees == "id"
    somchai.says(OTHER_ID)
    assert somchai.sees == "code"
    assert somchai.did[-2:] == [LookUp(OTHER_ID), Send(OTHER_ID, MAIL)]
    somchai.says("222222").presses("save")
    assert somchai.did[-2:] == [Check(OTHER_ID, MAIL, "222222"), Save(OTHER_ID, MAIL, ())]


def test_back_to_the_id_and_another_one_needs_another_proof() -> None:
    somchai = at_the_summary()
    while somchai.sees != "id":
        somchai.back()
    somchai.says(OTHER_ID, MAIL, MAIL)
    assert somchai.sees == "code"
    assert somchai.did[-2:] == [LookUp(OTHER_ID), Send(OTHER_ID, MAIL)]


def test_an_edited_answer_is_judged_together_with_the_later_ones() -> None:
    somchai = Person().starts().says(*TO_CODE, "123456").presses("family").says("1", "Nok").presses("edit_email")
    somchai.says(OTHER_MAIL, MAIL)
    assert somchai.sees == "email_again"
    somchai.says(OTHER_MAIL)
    assert somchai.sees == "code"
    somchai.says("222222")
    assert somchai.sees == "summary"
    assert somchai.kept["child.0"] == "Nok"


def test_the_other_branch_and_back_again_keeps_what_was_said_there() -> None:
    somchai = Person().starts().says(*TO_CODE, "123456").presses("family").says("1", "Nok")
    somchai.presses("edit_kind").presses("single").presses("edit_kind").presses("family")
    assert somchai.sees == "summary"
    somchai.presses("save")
    assert somchai.did[-1] == Save(ID, MAIL, ("Nok",))


def test_a_new_code_goes_out_on_request_only() -> None:
    somchai = Person().starts().says(*TO_CODE).presses("resend")
    assert somchai.did == [LookUp(ID), Send(ID, MAIL), Send(ID, MAIL)]
    assert somchai.sees == "code"
    assert somchai.looks().did == [LookUp(ID), Send(ID, MAIL), Send(ID, MAIL)]


def test_cancelled_is_forgotten() -> None:
    somchai = at_the_summary().cancels()
    assert somchai.told == ["cancelled"]
    assert (somchai.sees, somchai.convo.frames) == ("", ())
    assert somchai.says("x").sees == ""
    assert somchai.starts().sees == "id"


def test_what_is_said_of_a_cancel_can_be_the_flows_own() -> None:
    assert at_the_summary().does(Cancel(Say("cancelled.paper"))).told == ["cancelled.paper"]


def certify() -> Script[None]:
    yield from Ask[str]("signed", choices=(Choice("open", link="/certify/x"), Choice("later", reopen=("signed",))))


def test_a_choice_that_opens_a_page_is_never_an_answer() -> None:
    """Neither pressed, which no channel does, nor typed, nor kept by a version in which it was one."""
    somchai = Person(flows={"certify": certify}).starts("certify")
    somchai.presses("open")
    assert (somchai.sees, somchai.told, somchai.kept) == ("signed", [], {})
    (frame,) = somchai.convo.frames
    somchai.convo = somchai.convo._replace(frames=(frame._replace(results={"signed": ["open", ""]}),))
    assert somchai.looks().sees == "signed"
