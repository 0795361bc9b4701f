"""Law 1: several matters at once, and results that come late."""

from bot.events import Say
from bot.flow import Ask, Do, Script, Start
from tests.flow.scripts import ID, MAIL, OTHER_ID, OTHER_MAIL, TO_CODE, TWO, Ruled, other, slow, waiting_for_the_check
from tests.toy import (
    Check,
    LookUp,
    Person,
    words,
)


def test_something_comes_up_and_is_done_with() -> None:
    somchai = Person(TWO).starts().says(ID).starts("other")
    assert somchai.sees == "reason"
    somchai.presses("yes")
    assert somchai.told == ["resume.register"]
    assert somchai.sees == "email"
    assert somchai.says(MAIL).sees == "email_again"


def test_three_deep_and_no_deeper() -> None:
    flows = dict.fromkeys("abcd", other)
    person = Person(flows).starts("a").starts("b").starts("c").starts("d")
    assert person.told == ["error.too_deep"]
    assert [frame.flow for frame in person.convo.frames] == ["a", "b", "c"]
    assert person.sees == "reason"
    told = [person.presses("yes").told for _ in range(3)]
    assert told == [["resume.b"], ["resume.a"], []]
    assert not person.convo.frames


def test_what_runs_already_is_not_begun_again() -> None:
    somchai = Person(TWO).starts().says(ID).starts()
    assert (somchai.sees, len(somchai.convo.frames)) == ("email", 1)
    somchai.starts("other").starts()
    assert (somchai.sees, len(somchai.convo.frames)) == ("reason", 2)


def test_the_same_flow_about_something_else_is_another_matter_and_the_one_that_was_pressed_is_asked_about() -> None:
    """Else a reason given for one paper would be taken for another's."""
    person = Person(TWO)
    person.does(Start("other", {"case": 1})).does(Start("other", {"case": 2})).does(Start("other", {"case": 1}))
    assert [frame.args for frame in person.convo.frames] == [{"case": 2}, {"case": 1}]


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


def test_while_something_is_on_its_way_texts_wait() -> None:
    somchai = waiting_for_the_check().says("hurry")
    assert somchai.told == ["error.still_waiting"]
    assert somchai.hears("code", somchai.attempt).sees == "kind"


def test_a_late_no_asks_again() -> None:
    somchai = waiting_for_the_check()
    somchai.hears("code", somchai.attempt, error="wrong_code")
    assert somchai.told == ["error.wrong_code"]
    assert (somchai.sees, somchai.step.waiting) == ("code", False)
    before = somchai.convo
    assert somchai.hears("code", before.frames[0].attempt).step.silent
    assert somchai.convo == before


def test_a_late_no_to_an_effect_goes_back_to_the_question_that_led_there() -> None:
    somchai = Person(answers=slow(LookUp)).starts().says(ID)
    somchai.hears("found", somchai.attempt, error="unknown")
    assert somchai.told == ["error.unknown"]
    assert somchai.sees == "id"
    assert somchai.did == [LookUp(ID)]


def test_a_result_of_another_attempt_is_nobodys() -> None:
    somchai = waiting_for_the_check()
    before = somchai.convo
    assert somchai.hears("code", "no such attempt").step.silent
    assert somchai.hears("found", somchai.attempt).step.silent
    assert somchai.hears("code", somchai.attempt, flow="other").step.silent
    assert somchai.convo == before


def test_a_result_after_back_or_cancel_is_nobodys() -> None:
    somchai = waiting_for_the_check()
    his = somchai.attempt
    assert somchai.back().sees == "email_again"
    assert somchai.hears("code", his).step.silent
    somchai.cancels()
    assert somchai.hears("code", his).step.silent
    assert not somchai.convo.frames


def test_a_result_for_what_lies_below_is_kept_there() -> None:
    somchai = waiting_for_the_check()
    his = somchai.attempt
    somchai.starts("other").hears("code", his)
    assert somchai.sees == "reason"
    somchai.presses("yes")
    assert somchai.told == ["resume.register"]
    assert somchai.sees == "kind"
