"""Law 1: any chat at all ends where its answers lead, played by a machine."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.events import Invalid
from bot.flow import Start
from bot.topic import Later
from tests.flow.scripts import ID, MAIL, OTHER_ID, OTHER_MAIL, TWO, other
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
)

SLOW, WRONG, UNKNOWN = "777777", "246810", "404"
TEXTS = ("1", "2", "9", ID, OTHER_ID, UNKNOWN, MAIL, OTHER_MAIL, "123456", WRONG, SLOW, "Nok", "")
VALUES = tuple(value for offers in Model.OFFERS.values() for value in offers)


class AnyChat(RuleBasedStateMachine):
    """The engine and a naive model of the same conversation hear the same things in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.mail_down = False
        self.real = Person({**TWO, "card": other}, self.answers)
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

    @rule(item=st.sampled_from("123"))
    def presses_a_card(self, item: str) -> None:
        self.real.does(Start("card", {"item": item}))
        self.model.press_card(f"card {item}")

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
        assert [" ".join((frame.flow, *frame.args.values())) for frame in real.convo.frames] == model.stack
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
