"""Law 1, played as chats."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.events import File, Invalid, Say
from bot.flow import Ask, Choice, Conversation, Do, Frame, Script, Start, walk
from bot.topic import Later
from tests.toy import (
    HOUR,
    Check,
    Handed,
    LookUp,
    Model,
    Person,
    Refused,
    Save,
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


# --- from top to bottom ---------------------------------------------------------------------------------------------


def test_somchai_registers() -> None:
    somchai = Person().starts().says(*TO_CODE, "123456").presses("family").says("2", "Nok", "Ek")
    assert somchai.sees == "summary"
    assert "123456" not in str(somchai.convo)
    somchai.presses("save")
    assert somchai.did == [LookUp(ID), Send(ID, MAIL), Check(ID, MAIL, "123456"), Save(ID, MAIL, ("Nok", "Ek"))]
    assert somchai.sees == ""
    assert not somchai.convo.frames


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


# --- back, edit, cancel ---------------------------------------------------------------------------------------------


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


# --- buttons --------------------------------------------------------------------------------------------------------


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


# --- silence, restarts, deploys -------------------------------------------------------------------------------------


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


# --- refusals -------------------------------------------------------------------------------------------------------


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
    assert person.told == ["error.no"]
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


# --- several things at once -----------------------------------------------------------------------------------------


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


def test_the_same_flow_about_something_else_is_another_matter() -> None:
    person = Person(TWO)
    person.does(Start("other", {"case": 1})).does(Start("other", {"case": 2})).does(Start("other", {"case": 1}))
    assert [frame.args for frame in person.convo.frames] == [{"case": 1}, {"case": 2}]


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


def waiting_for_the_check(flows: Any = TWO) -> Person:
    somchai = Person(flows, slow(Check)).starts().says(*TO_CODE, "123456")
    assert somchai.step.waiting
    assert "123456" not in str(somchai.convo)
    return somchai


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


# --- any chat at all ------------------------------------------------------------------------------------------------


SLOW, WRONG, UNKNOWN = "777777", "246810", "404"
TEXTS = ("1", "2", "9", ID, OTHER_ID, UNKNOWN, MAIL, OTHER_MAIL, "123456", WRONG, SLOW, "Nok", "")
VALUES = tuple(value for offers in Model.OFFERS.values() for value in offers)


class AnyChat(RuleBasedStateMachine):
    """The engine and a naive model of the same conversation hear the same things in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.mail_down = False
        self.real = Person(TWO, self.answers)
        self.model = Model(self.perform)
        self.attempts: list[str] = []
        self.turns = [1]
        self.proved: set[tuple[str, str]] = set()
        self.judged = 0

    def verdict(self, effect: object) -> str:
        match effect:
            case LookUp(id) if id == UNKNOWN:
                return "no"
            case Send() if self.mail_down:
                return "no"
            case Save(_, email, _) if email == OTHER_MAIL and self.mail_down:
                return "no"
            case Check(_, _, code):
                return {WRONG: "no", SLOW: "later"}.get(code, "yes")
        return "yes"

    def answers(self, effect: object) -> bool:
        verdict = self.verdict(effect)
        if verdict == "no":
            raise Invalid("no")
        if verdict == "later":
            raise Later
        return True

    def perform(self, effect: object) -> None:
        verdict = self.verdict(effect)
        if verdict == "no":
            raise Refused
        if verdict == "later":
            raise Handed

    @rule(text=st.sampled_from(TEXTS))
    def says(self, text: str) -> None:
        self.real.says(text)
        self.model.say(text)

    def goes_on(self, steps: int, id: str = ID, mail: str = MAIL, code: str = "123456") -> None:
        """Answers what is asked."""
        for _ in range(steps):
            question = self.model.question
            if question in ("kind", "summary"):
                self.presses({"kind": "family", "summary": "save"}[question])
            else:
                again = self.model.kept.get("email", "")
                wanted = {"id": id, "email": mail, "email_again": again, "code": code, "children": "2"}
                self.says(wanted.get(question, "Nok"))
            self.agree()
            self.nothing_unproved_is_saved_and_nothing_twice()

    answering = rule(
        steps=st.integers(1, 9),
        id=st.sampled_from([ID, OTHER_ID]),
        mail=st.sampled_from([MAIL, OTHER_MAIL]),
        code=st.sampled_from(["123456", "123456", SLOW]),
    )

    @initialize(steps=st.integers(0, 9))
    def comes_in(self, steps: int) -> None:
        self.starts("register")
        self.goes_on(steps)

    @answering
    def goes_straight_on(self, steps: int, id: str, mail: str, code: str) -> None:
        self.goes_on(steps, id, mail, code)

    @precondition(lambda self: not self.model.stack)
    @answering
    def comes_again(self, steps: int, id: str, mail: str, code: str) -> None:
        self.starts("register")
        self.goes_on(steps, id, mail, code)

    @precondition(lambda self: self.model.question == "summary")
    @rule(edit=st.sampled_from(["edit_id", "edit_email", "edit_kind"]), steps=st.integers(1, 4))
    def thinks_again(self, edit: str, steps: int) -> None:
        self.presses(edit)
        self.goes_on(steps, OTHER_ID, OTHER_MAIL)

    @precondition(lambda self: self.model.waiting and self.model.question == "code")
    @rule()
    def types_the_code_a_second_time_before_the_first_was_checked(self) -> None:
        first = next(f.attempt for f in self.real.convo.frames if f.flow == "register")
        self.goes_back()
        self.goes_on(1)
        self.says(SLOW)
        assert self.real.hears("code", first).step.silent

    @rule(text=st.sampled_from(TEXTS))
    def says_after_a_long_silence(self, text: str) -> None:
        self.real.now += 13 * HOUR
        quiet = bool(self.real.convo.seen)
        self.real.says(text)
        if not quiet:
            self.model.say(text)

    @rule(value=st.sampled_from(VALUES))
    def presses(self, value: str) -> None:
        self.real.presses(value)
        self.model.press(value)

    @rule(data=st.data())
    def presses_what_is_shown(self, data: st.DataObject) -> None:
        if offers := Model.OFFERS.get(self.model.question):
            self.presses(data.draw(st.sampled_from(offers)))

    @rule(value=st.sampled_from(VALUES), data=st.data())
    def presses_an_old_button(self, value: str, data: st.DataObject) -> None:
        turn = data.draw(st.sampled_from(self.turns))
        if turn != self.real.convo.shown.turn:
            self.real.presses(value, turn)
            assert self.real.told[-1] == "error.old_button"

    @rule(flow=st.sampled_from(["register", "register", "other"]))
    def starts(self, flow: str) -> None:
        if flow == "register" and "register" not in self.model.stack:
            self.proved = set()
        self.real.starts(flow)
        self.model.start(flow)

    @rule()
    def goes_back(self) -> None:
        self.real.back()
        self.model.back()

    @rule()
    def looks(self) -> None:
        self.real.looks()

    @rule(really=st.sampled_from([False, False, False, True]))
    def cancels(self, really: bool) -> None:
        if really:
            self.real.cancels()
            self.model.cancel()

    @rule(down=st.booleans())
    def mail(self, down: bool) -> None:
        self.mail_down = down

    @precondition(lambda self: self.model.waiting)
    @rule(good=st.booleans())
    def hears(self, good: bool) -> None:
        if good:
            self.proved.add((self.model.kept["id"], self.model.kept["email"]))
        attempt = next(f.attempt for f in self.real.convo.frames if f.flow == "register")
        self.real.hears("code", attempt, error="" if good else "wrong_code")
        assert not self.real.step.silent
        self.model.hear(good=good)

    @precondition(lambda self: self.attempts)
    @rule(data=st.data(), error=st.sampled_from(["", "wrong_code"]))
    def hears_too_late(self, data: st.DataObject, error: str) -> None:
        attempt = data.draw(st.sampled_from(self.attempts))
        if any((f.waiting, f.attempt) == ("code", attempt) for f in self.real.convo.frames):
            return
        before = self.real.convo
        self.real.hears("code", attempt, error=error)
        assert self.real.step.silent
        assert self.real.convo == before

    @invariant()
    def agree(self) -> None:
        real, model = self.real, self.model
        assert real.did == model.did
        assert [frame.flow for frame in real.convo.frames] == model.stack
        assert real.sees == model.question
        kept = next((f.results for f in real.convo.frames if f.flow == "register"), {})
        assert {key: value for key, (value, _) in kept.items()} == model.kept
        waiting = [f.waiting for f in real.convo.frames if f.flow == "register"]
        assert (waiting == ["code"]) == model.waiting
        for code in ("123456", SLOW, WRONG):  # as a secret; somebody may give them as an ID
            assert code not in str(real.convo) or code in map(str, model.kept.values())
        self.turns.append(real.convo.shown.turn)
        self.attempts += [f.attempt for f in real.convo.frames if f.attempt and f.attempt not in self.attempts]

    @invariant()
    def nothing_unproved_is_saved_and_nothing_twice(self) -> None:
        for effect in self.real.did[self.judged :]:
            match effect:
                case Check(id, email, _) if self.verdict(effect) == "yes":
                    self.proved.add((id, email))
                case Save(id, email, _):
                    assert (id, email) in self.proved
                    if not any(frame.flow == "register" for frame in self.real.convo.frames):
                        self.proved = set()  # saved: the next one needs a proof of its own
        self.judged = len(self.real.did)


AnyChat.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestAnyChat = AnyChat.TestCase
