"""Between words and the engine."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.events import Language, Message, Opened, Press, Say, Text
from bot.flow import Ask, Back, Cancel, Choice, Chosen, Conversation, Frame, Resume, Shown, Start, Step, shown
from bot.screen import Buttons, Command, Unclear, Unknown, dump, help_for, load, render, understand
from bot.text import Texts

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "frames": st.lists(
        st.fixed_dictionaries(
            {
                "flow": st.text(max_size=3) | JSON,
                "args": st.dictionaries(st.text(max_size=3), JSON, max_size=2) | JSON,
                "results": st.dictionaries(st.text(max_size=3), JSON, max_size=2) | JSON,
                "asked": st.text(max_size=3) | JSON,
                "attempt": st.text(max_size=3) | JSON,
                "waiting": st.text(max_size=3) | JSON,
            }
        ),
        max_size=2,
    ),
    "turn": st.integers() | JSON,
    "seen": st.integers() | JSON,
    "shown": st.fixed_dictionaries(
        {
            "turn": st.integers() | JSON,
            "values": st.lists(st.text(max_size=3), max_size=2) | JSON,
            "digest": st.text(max_size=3) | JSON,
            "labels": st.lists(st.text(max_size=3), max_size=2) | JSON,
        }
    ),
}


def well_formed(convo: Conversation) -> bool:
    """Every part is of the type that the engine reckons with."""
    s = convo.shown
    return (
        all(type(n) is int for n in (convo.turn, convo.seen, s.turn))
        and all(isinstance(t, str) for t in (*s.values, *s.labels, s.digest))
        and all(
            all(isinstance(t, str) for t in (f.flow, f.asked, f.waiting, f.attempt))
            and isinstance(f.args, dict)
            and isinstance(f.results, dict)
            for f in convo.frames
        )
    )


@given(JSON | st.fixed_dictionaries(FIELDS))
def test_whatever_lies_in_the_store_loads_as_a_sound_conversation(stored: Any) -> None:
    convo = load(stored)
    assert well_formed(convo)
    assert load(json.loads(json.dumps(dump(convo)))) == convo


@pytest.mark.parametrize(
    "token", ["", ".", "..", "c", "c1.0", "c1.0.", "cx.y.z", "c" + "f" * 5_000 + ".0.x", "c1.-1.ก"]
)
def test_a_forged_token_is_an_old_button(token: str) -> None:
    convo = Conversation(turn=1, shown=Shown(1, ("save",), labels=("Save",)))
    assert understand(Press(token), "somchai", convo, Buttons(b"secret" * 6), Texts(), {}, {}, None) == Chosen("", -1)


# --- buttons --------------------------------------------------------------------------------------------------------

TEXTS = Texts()
BUTTONS = Buttons(b"a secret of thirty-two bytes or so")
ACTS = {"v": "approve"}
MALEE = "the person behind the account"
STARTS = {"words.start.login": "login", "words.start.profile": "profile"}
NOTICE = Ask[str]("notice", choices=(Choice("acknowledge"), Choice("resend", reopen=("x",))), text="ask.name")
BEFORE = (Ask[str]("national_id"),)


def screen(
    ask: Ask[Any] = NOTICE, language: Language = "en", *, turn: int = 7, account: str = "somchai"
) -> tuple[Message, Conversation]:
    """What stands before the person, and what is kept of it."""
    convo = Conversation((Frame("login"),), turn=turn, seen=1)
    step = Step(convo, convo, open=ask, path=BEFORE)
    message, stands = render(step, account, language, BUTTONS, TEXTS, ("login",))
    return message, shown(step, stands)


def meaning(event: Any, convo: Conversation, account: str = "somchai") -> Any:
    return understand(event, account, convo, BUTTONS, TEXTS, STARTS, ACTS, MALEE)


def test_what_is_pressed_is_what_was_shown() -> None:
    message, convo = screen()
    assert [b.label for b in message.buttons] == ["Acknowledge", "Send a new code", "Back", "Help", "Cancel"]
    assert [meaning(Press(b.data), convo) for b in message.buttons] == [
        Chosen("acknowledge", 7), Chosen("resend", 7), Back(), Command("help"), Cancel(),
    ]  # fmt: skip


def test_without_anything_before_there_is_no_way_back() -> None:
    convo = Conversation((Frame("login"),), turn=1)
    message, _ = render(Step(convo, convo, open=NOTICE), "somchai", "en", BUTTONS, TEXTS, ())
    assert "Back" not in [b.label for b in message.buttons]


@pytest.mark.parametrize("turn", [1, 1_800_000_000_000, 2**62])
@pytest.mark.parametrize("index", [0, 12, 4_095])
def test_a_token_fits_into_48_bytes(turn: int, index: int) -> None:
    token = BUTTONS.token("somchai", turn, index)
    assert len(token.encode()) <= 48
    assert BUTTONS.read("somchai", token) == (turn, index)


@given(st.text(max_size=60))
@example("c7.0.")
@example("go:nothing")
@example("go:")
def test_no_text_is_a_token(token: str) -> None:
    _, convo = screen()
    assert meaning(Press(token), convo) in (Chosen("", -1), Start("login"), Start("profile"))


@given(st.integers(0, 30), st.sampled_from("0123456789abcdefABCDEF.-_ c๑"))
def test_one_edited_character_makes_it_an_old_button(place: int, char: str) -> None:
    message, convo = screen()
    token = message.buttons[0].data
    place %= len(token)
    edited = token[:place] + char + token[place + 1 :]
    if edited.casefold() != token.casefold():
        assert meaning(Press(edited), convo) == Chosen("", -1)


def test_a_token_says_nothing_when_cut_short() -> None:
    message, convo = screen()
    token = message.buttons[0].data
    for length in range(len(token)):
        assert meaning(Press(token[:length]), convo) == Chosen("", -1)


def test_somebody_elses_token_is_an_old_button() -> None:
    message, convo = screen()
    assert meaning(Press(message.buttons[0].data), convo, "malee") == Chosen("", -1)


def test_another_houses_token_is_an_old_button() -> None:
    _, convo = screen()
    token = Buttons(b"another secret of another house...").token("somchai", 7, 0)
    assert meaning(Press(token), convo) == Chosen("", -1)


def test_an_earlier_screens_token_is_an_old_button() -> None:
    earlier, _ = screen(turn=7)
    _, convo = screen(turn=8)
    assert [meaning(Press(b.data), convo) for b in earlier.buttons] == [Chosen("", -1)] * 5


def test_a_button_beyond_the_last_one_is_an_old_button() -> None:
    _, convo = screen()
    assert meaning(Press(BUTTONS.token("somchai", 7, 5)), convo) == Chosen("", -1)


def test_a_button_of_the_menu_starts_what_it_names() -> None:
    convo = Conversation(turn=3)
    message, stands = render(Step(convo, convo), "somchai", "en", BUTTONS, TEXTS, ("login",))
    data = [b.data for b in message.buttons]
    assert [meaning(Press(d), Conversation(shown=stands)) for d in data] == [
        Start("login"), Command("lang.th"), Command("help"),
    ]  # fmt: skip
    assert meaning(Press("go:delete_all"), convo) == Chosen("", -1)


# --- buttons on cards -------------------------------------------------------------------------------------------------

ITEM = "01jd8h2v9mkq3t5w7xyzabcdef"
ids = st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=26, max_size=26)
sights = st.text("0123456789abcdef", min_size=8, max_size=8)
ACT = BUTTONS.act("somchai", MALEE, "v", ITEM, "0123abcd")
OLD_BUTTON = Chosen("", -1)


@given(st.text(max_size=80), st.text(max_size=80), st.sampled_from("abcvxyz"), ids, sights)
def test_a_button_of_a_card_takes_48_bytes_and_says_what_it_was_made_of(
    account: str, person: str, letter: str, item: str, seen: str
) -> None:
    token = BUTTONS.act(account, person, letter, item, seen)
    assert len(token.encode()) == 48
    assert BUTTONS.read_act(account, person, token) == (letter, item, seen)
    assert BUTTONS.read_act(account, person + "x", token) is None
    assert BUTTONS.read_act(account + "x", person, token) is None
    assert BUTTONS.read(account, token) is None, "nor is it a button of a screen"


@pytest.mark.parametrize("frames", [(), (Frame("login"),), (Frame("login"),) * 3])
def test_a_button_of_a_card_starts_its_flow_whatever_the_screen_shows(frames: tuple[Frame, ...]) -> None:
    start = Start("approve", {"item": ITEM, "seen": "0123abcd"})
    assert meaning(Press(ACT), Conversation(frames, turn=9)) == start
    assert meaning(Press(ACT), screen()[1]) == start


def test_in_anybody_elses_hands_it_is_an_old_button() -> None:
    def pressed(account: str, person: str | None, acts: dict[str, str] = ACTS, buttons: Buttons = BUTTONS) -> Any:
        return understand(Press(ACT), account, Conversation(), buttons, TEXTS, STARTS, acts, person)

    assert pressed("somchai", MALEE) != OLD_BUTTON
    assert pressed("somchai", "whoever has the chat by now") == OLD_BUTTON
    assert pressed("somchai", None) == Unknown(), "it may be theirs: they have not said who they are"
    assert pressed("anan", MALEE) == OLD_BUTTON
    assert pressed("somchai", MALEE, {"w": "approve"}) == OLD_BUTTON, "no topic knows this letter any more"
    assert pressed("somchai", MALEE, buttons=Buttons(b"another secret of another house...")) == OLD_BUTTON


@given(st.integers(0, 47), st.characters(codec="utf-8"))
@example(47, "=")
@example(0, "c")
@example(1, "w")
@example(1, "V")
def test_with_one_edited_character_it_is_an_old_button(place: int, char: str) -> None:
    edited = ACT[:place] + char + ACT[place + 1 :]
    if edited != ACT:
        assert understand(
            Press(edited), "somchai", Conversation(), BUTTONS, TEXTS, {}, dict.fromkeys("vw", "x"), MALEE
        ) == (OLD_BUTTON)


def test_cut_short_or_drawn_out_it_is_an_old_button() -> None:
    for edited in (*(ACT[:length] for length in range(48)), ACT + "A", ACT + "\n", ACT + " ", ACT * 2, " " + ACT):
        assert meaning(Press(edited), Conversation()) == OLD_BUTTON
        assert understand(Press(edited), "somchai", Conversation(), BUTTONS, TEXTS, {}, ACTS, None) == OLD_BUTTON


def test_what_stands_on_it_cannot_be_moved_from_one_part_to_the_next() -> None:
    """The parts are of a fixed width; account and person are not."""
    assert BUTTONS.act("ab", "c", "v", ITEM, "0" * 8) != BUTTONS.act("a", "bc", "v", ITEM, "0" * 8)
    assert BUTTONS.read_act("a", "bc", BUTTONS.act("ab", "c", "v", ITEM, "0" * 8)) is None


@pytest.mark.parametrize(
    ("letter", "item", "seen"),
    [
        ("v", "", "0" * 8),
        ("v", ITEM[1:], "0" * 8),
        ("v", ITEM, "ABCD0123"),
        ("V", ITEM, "0" * 8),
        ("vv", ITEM[1:], "0" * 8),
    ],
)
def test_no_button_is_made_that_could_not_be_read(letter: str, item: str, seen: str) -> None:
    with pytest.raises(ValueError, match="no button can name this"):
        BUTTONS.act("somchai", MALEE, letter, item, seen)


# --- typed words ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "typed"),
    [
        ("en", "Acknowledge"),
        ("en", "  aCKnow ledge "),
        ("th", TEXTS("th", "choice.acknowledge")),
        ("th", " ".join(TEXTS("th", "choice.acknowledge"))),
    ],
)
def test_the_words_on_a_button_press_it(language: Language, typed: str) -> None:
    _, convo = screen(language=language)
    assert meaning(Text(typed), convo) == Chosen("acknowledge", 7)


def test_the_words_of_the_other_language_are_an_answer_like_any_other() -> None:
    _, convo = screen(language="en")
    typed = Text(TEXTS("th", "choice.acknowledge"))
    assert meaning(typed, convo) == typed


def test_digits_on_a_button_may_be_thai() -> None:
    convo = Conversation((Frame("login"),), shown=Shown(7, ("two",), labels=("No. 12",)))
    assert meaning(Text("no. ๑๒"), convo) == Chosen("two", 7)


@pytest.mark.parametrize("language", ["th", "en"])
@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("words.back", Back()),
        ("words.cancel", Cancel()),
        ("words.menu", Cancel()),
        ("words.help", Command("help")),
        ("words.lang.th", Command("lang.th")),
        ("words.lang.en", Command("lang.en")),
        ("words.start.login", Start("login")),
    ],
)
def test_a_command_may_be_typed_in_both_languages_on_any_screen(key: str, language: Language, meant: Any) -> None:
    _, convo = screen(language="th")
    spellings = TEXTS(language, key).split("|")
    assert all(spellings)
    for word in spellings:
        assert meaning(Text(word.upper() + " "), convo) == meant
        assert meaning(Text(word), Conversation()) == meant


def test_what_nobody_asked_for_is_unclear_only_when_nothing_is_open() -> None:
    _, convo = screen()
    assert meaning(Text("blah"), convo) == Text("blah")
    assert meaning(Text("blah"), Conversation()) == Unclear()
    assert meaning(Opened(), convo) == Resume()


@pytest.mark.parametrize(
    ("ask", "key"),
    [
        (Ask[str]("national_id"), "help.national_id"),
        (Ask[str]("child.3", text="ask.code"), "help.code"),
        (NOTICE, "help.name"),
        (Ask[str]("pages.child.3", text="ask.pages_child"), "help.pages_child"),
        (Ask[str]("pages.child.3", text="ask.pages_more"), "help.pages"),
        (Ask[str]("certify.house.2", text="ask.certify_by_hand"), "help.certify"),
        (Ask[str]("name_changed"), "help.name_changed"),
        (Ask[str]("name_of_the_dog"), "help.general"),
        (Ask[str]("email_of_the_dog.2", text="ask.code_of_the_dog"), "help.general"),
    ],
)
def test_help_is_about_the_open_question(ask: Ask[str], key: str) -> None:
    convo = Conversation((Frame("login"),))
    assert help_for(Step(convo, convo, open=ask), TEXTS) == Say(key)


def test_help_in_general_where_there_is_nothing_particular_to_say() -> None:
    convo = Conversation((Frame("login"),))
    assert help_for(Step(convo, convo, open=Ask[str]("no_such_help")), TEXTS) == Say("help.general")
    assert help_for(Step(convo, convo), TEXTS) == Say("help.general")


def test_while_something_is_on_its_way_the_screen_says_so_and_offers_no_answer() -> None:
    ask = Ask[str]("laser", choices=(Choice("acknowledge"),), text="ask.name")
    convo = Conversation((Frame("login", waiting="laser", attempt="x"),), turn=7)
    message, stands = render(Step(convo, convo, open=ask, path=()), "somchai", "en", BUTTONS, TEXTS, ())
    assert message.lines == (TEXTS("en", "wait.laser"),)
    assert stands.values == ("@help", "@cancel")


def test_a_button_that_opens_a_page_sends_nothing_and_the_others_keep_their_places() -> None:
    ask = Ask[str]("notice", choices=(Choice("acknowledge", link="/page"), Choice("resend")), text="ask.name")
    message, convo = screen(ask)
    opens, resends, *_ = message.buttons
    assert (opens.link, opens.data) == ("/page", "")
    assert (resends.link, meaning(Press(resends.data), convo)) == ("", Chosen("resend", 7))
    assert meaning(Press(""), convo) == Chosen("", -1)
    assert meaning(Text("Acknowledge"), convo) == Chosen("acknowledge", 7), "which answers nothing: tests/flow"
