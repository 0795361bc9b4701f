"""Whatever has to be said, LINE takes it; and people can read all of it that fits."""

from typing import Any

import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.channels.line.checks import graphemes, of_messages, utf16
from bot.channels.line.render import BUTTONS, FLEX_LABEL, LABELS, QUICK_LABEL, QUICK_REPLIES, TEXT, cut, render
from bot.events import LANGUAGES, PICTURES, Button, Language, Message
from bot.text import Texts
from bot.walk import message_json
from tests.channels.line import openapi

Json = dict[str, Any]
LABELLED = ("control.", "menu.", "choice.", "act.")
TEXTS = Texts()

FAMILY = "\u200d".join("👨👩👧👦")  # one grapheme
PIECES = ("ก", "กำ", "ก้", "ปี่", "ที่", "น้ำ", "เ", "ๆ", "ฯ", "a", "Z", "0", "๙", " ", "\n", "\n\n", "“", "é", "e\u0301",
    "𝒜", "🙂", FAMILY, "🇹🇭", "👍🏽", "\u0e49\u0e4d", "\u200b", "&", "<b>", "\\", '"')  # fmt: skip
SOLID = tuple(piece for piece in PIECES if piece.strip() and piece not in ("\u200b", "\u0e49\u0e4d", "ๆ", "ฯ"))


def repeated(pieces: tuple[str, ...], least: int, most: int) -> st.SearchStrategy[str]:
    """So many UTF-16 units, more or less, of one thing."""
    return st.builds(
        lambda piece, size: piece * (size // utf16(piece) + 1), st.sampled_from(pieces), st.integers(least, most)
    )


thai = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
long = repeated(PIECES, 0, 26_000)
solid = st.builds(
    "{}{}".format, st.lists(st.sampled_from(SOLID), max_size=9).map("".join), repeated(SOLID, 4_900, 24_000)
)
text = thai | long | st.builds("{}{}{}".format, thai, long, thai) | st.text(max_size=50)
names = text.filter(str.strip)
tokens = st.text("abcdef0123456789.:_-", min_size=1, max_size=48)
styles = st.sampled_from(("primary", "normal", "quiet"))
buttons = st.lists(st.builds(Button, names, tokens, styles), max_size=30)
messages = st.builds(Message, st.lists(text, min_size=1, max_size=5).map(tuple), buttons.map(tuple))


def rendered(message: Message) -> list[Json]:
    return render(message_json(message))


def said(message: Message) -> str:
    return "\n".join(part["text"] for part in rendered(message) if part["type"] == "text")


def actions(message: Json) -> list[Json]:
    """Of a card, in the order in which they stand there."""
    rows = message["contents"]["body"]["contents"]
    flat = [part for row in rows for part in ([row] if "action" in row else row["contents"])]
    return [part["action"] for part in flat]


def words_on(message: Json) -> list[str]:
    rows = message["contents"]["body"]["contents"]
    return [text["text"] for row in rows for text in row["contents"]]


def quick(message: Json) -> list[Json]:
    return [item["action"] for item in message.get("quickReply", {}).get("items", [])]


def whole_graphemes(part: str, text: str) -> bool:
    """Does this beginning of the text end where a grapheme ends?"""
    return "".join(regex.findall(r"\X", text)[: graphemes(part)]) == part


# --- what LINE takes --------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(messages)
@example(Message((" \n ",), (Button("ก", "x"),)))
@example(Message(("\n" * 6_000,), (Button("ก", "x"),)))
@example(Message(("ก" * 60_000,), tuple(Button("ก" * 400, f"c{i}.{'0' * 40}", "primary") for i in range(30))))
@example(Message(("x",), tuple(Button(FAMILY * 200, f"c{i}.{'0' * 40}", "quiet") for i in range(30))))
@example(Message(("x",), tuple(Button("ก" + "้" * 3_000, f"c{i}.{'0' * 40}") for i in range(30))))
@example(Message(("ก" + "้" * 30_000,)))
def test_line_takes_it(message: Message) -> None:
    if any(line.strip() for line in message.lines) or message.buttons:
        assert of_messages(rendered(message)) == []


def test_as_many_of_the_longest_buttons_as_a_card_has_still_fit() -> None:
    """Each of them at the limit of bytes: three for a letter, the longest token, the heaviest style."""
    label = "ก" * (LABELS // BUTTONS)
    many = [Button(label, "c" + "f" * 47, "primary") for _ in range(BUTTONS)]
    card = rendered(Message(("x",), tuple(many)))[-1]
    assert of_messages([card]) == []
    assert words_on(card) == [label] * BUTTONS


# --- what people read -------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(text)
@example("ก\n" + "ข" * 9_990)
@example("\n".join("ก" * 2_600 for _ in range(3)))
@example(("ก" * 2_498 + "\n") * 4)
@example(FAMILY * 900)
def test_all_of_a_text_that_fits_is_there(text: str) -> None:
    """Ten thousand units fit, wherever the lines end: only the breaks between the messages may go."""
    shown = text[: 10_000 if text.isascii() else 5_000]
    if shown.strip() and utf16(shown) <= 2 * TEXT:
        message = Message((shown,), (Button("ก", "x"),))
        assert said(message).replace("\n", "") == shown.replace("\n", "")


@settings(max_examples=40)
@given(solid)
@example(FAMILY * 1_000)
@example("ก" + "ที่" * 3_000)
@example("e\u0301" * 4_000)
def test_no_message_ends_within_a_grapheme(text: str) -> None:
    parts = [part["text"] for part in rendered(Message((text,)))]
    assert text.startswith("".join(parts))
    assert len(parts) == 5 or "".join(parts) == text
    assert whole_graphemes("".join(parts), text)
    assert sum(map(graphemes, parts)) == graphemes("".join(parts))


def test_a_short_text_is_one_message_and_its_card_another() -> None:
    first, card = rendered(Message(("บรรทัดแรก", "บรรทัดที่สอง"), (Button("ตกลง", "c1", "primary"),)))
    assert first == {"type": "text", "text": "บรรทัดแรก\n\nบรรทัดที่สอง"}
    assert actions(card) == [{"type": "postback", "label": "ตกลง", "data": "c1", "displayText": "ตกลง"}]
    assert rendered(Message(("x",))) == [{"type": "text", "text": "x"}]


def test_lines_part_where_a_line_ends() -> None:
    lines = ["ก" * 1_000 for _ in range(7)]
    parts = [part["text"] for part in rendered(Message(("\n".join(lines),)))]
    assert parts == ["\n".join(lines[:4]), "\n".join(lines[4:])]


# --- buttons ----------------------------------------------------------------------------------------------------------


@given(buttons)
def test_every_button_stands_on_the_card_and_what_is_short_as_quick_reply_too(buttons: list[Button]) -> None:
    """LINE for PC shows no quick replies: none may lead where no button of the card does."""
    if not buttons:
        return
    card = rendered(Message(("x",), tuple(buttons)))[-1]
    on_card = {action["data"] for action in actions(card)}
    assert on_card == {button.data for button in buttons[:BUTTONS]}
    assert {action["data"] for action in quick(card)} <= on_card
    short = [
        button
        for button in buttons[:BUTTONS]
        if button.style != "quiet" and graphemes(button.label) <= QUICK_LABEL and len(button.label) < 80
    ]
    assert len(quick(card)) >= min(QUICK_REPLIES, len(short))


@given(solid | st.lists(st.sampled_from(SOLID), min_size=1, max_size=80).map("".join))
@example("ที่" * 300)
@example(FAMILY * 200)
def test_a_name_on_a_button_is_cut_between_graphemes(name: str) -> None:
    card = rendered(Message(("x",), (Button(name, "c1"),)))[-1]
    (action,), (shown,) = actions(card), words_on(card)
    for words, most, size in ((action["label"], FLEX_LABEL, graphemes), (shown, 300, utf16)):
        assert size(words) <= most
        assert words == name or (words.endswith("…") and whole_graphemes(words[:-1], name))
    assert action["displayText"] == shown, "the chat shows what stood on the button"


@given(text, st.integers(2, 400))
def test_a_cut_text_is_a_beginning_of_it(text: str, most: int) -> None:
    short = cut(text, most)
    assert utf16(short) <= most
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))


# --- pictures and pages -----------------------------------------------------------------------------------------------

OFFICE = "https://kp7.example.go.th"
PICTURE = "/f/" + "x" * 117
PAGES = (Button("เปิดหน้าลงนาม", "", "primary", "/certify/" + "x" * 60), Button("ก" * 21, "", link="/page"))


def test_a_picture_stands_between_the_words_and_the_card() -> None:
    message = Message(("ได้รับแล้วค่ะ",), (Button("ตกลง", "c1"),), pictures=(PICTURE,))
    text, image, card = render(message_json(message), OFFICE)
    assert (text["type"], card["type"]) == ("text", "flex")
    assert image == {
        "type": "image", "originalContentUrl": OFFICE + PICTURE, "previewImageUrl": OFFICE + PICTURE
    }  # fmt: skip
    assert quick(card), "they stand above the keyboard only with the last message"
    assert render(message_json(Message(("x",), pictures=(PICTURE,))), OFFICE)[-1]["type"] == "image"


def test_several_pictures_stand_in_their_order_and_leave_room_for_the_words_and_the_card() -> None:
    paths = tuple(f"/f/{n}" for n in range(PICTURES + 1))
    long = Message(("ก" * 60_000,), (Button("ตกลง", "c1"),), pictures=paths)
    messages = render(message_json(long), OFFICE)
    assert [one["type"] for one in messages] == ["text", "image", "image", "image", "flex"]
    assert [one["originalContentUrl"] for one in messages[1:4]] == [OFFICE + path for path in paths[:PICTURES]]
    silent = Message((), (), pictures=paths)
    assert [one["type"] for one in render(message_json(silent), OFFICE)] == ["image"] * PICTURES


def test_a_row_of_an_earlier_version_has_one_picture_or_none() -> None:
    row = message_json(Message(("x",)))
    del row["pictures"]
    assert render({**row, "picture": PICTURE}, OFFICE)[-1]["originalContentUrl"] == OFFICE + PICTURE
    assert [one["type"] for one in render({**row, "picture": ""}, OFFICE)] == ["text"]


@pytest.mark.parametrize("address", ["http://127.0.0.1:8080", ""])
def test_without_https_there_is_no_picture(address: str) -> None:
    """LINE would refuse the whole message."""
    message = Message(("x",), (Button("ตกลง", "c1"),), pictures=(PICTURE,))
    assert [one["type"] for one in render(message_json(message), address)] == ["text", "flex"]


def test_a_page_opens_from_the_card_and_from_above_the_keyboard() -> None:
    card = render(message_json(Message(("x",), (*PAGES, Button("ตกลง", "c1")))), OFFICE)[-1]
    page, long, answer = actions(card)
    assert page == {"type": "uri", "label": "เปิดหน้าลงนาม", "uri": OFFICE + PAGES[0].link}
    assert (long["type"], long["label"]) == ("uri", PAGES[1].label)
    assert answer["type"] == "postback"
    assert quick(card) == [page, answer]


@pytest.mark.parametrize("path", ["/v2/bot/message/reply", "/v2/bot/message/push"])
@pytest.mark.parametrize("words", ["x", "ก" * 60_000])
@pytest.mark.parametrize("pictures", [1, 2, 3])
def test_line_takes_pictures_and_pages_however_much_is_said(path: str, words: str, pictures: int) -> None:
    many = (*PAGES * 6, *(Button("ก" * 400, "c" * 48) for _ in range(20)))
    messages = render(message_json(Message((words,), many, pictures=(PICTURE,) * pictures)), OFFICE)
    assert [one["type"] for one in messages[-1 - pictures :]] == ["image"] * pictures + ["flex"]
    assert of_messages(messages) == []
    if openapi.available:
        head = {"replyToken": "token"} if path.endswith("reply") else {"to": "U" + "0" * 32}
        assert openapi.validate_request(path, {**head, "messages": messages}) == []


# --- our own words ----------------------------------------------------------------------------------------------------

# Too long for a quick reply of LINE: they stand on the card alone.
CARD_ONLY = {
    "choice.ask_officer",
    "choice.other_mailbox",
    "choice.shared_yes",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_label_of_the_catalogues_is_ever_cut(language: Language) -> None:
    labels = TEXTS.prefixed(language, *LABELLED)
    assert labels.keys() > {"control.cancel", "menu.login", "choice.save"}
    made = labels.pop("choice.paper")
    labels.pop("choice.hand_over_who")  # a colleague's name, which is cut if it must be
    marks, papers = (TEXTS.prefixed(language, prefix).values() for prefix in ("mark.", "paper."))
    labels |= {paper: made.format(mark=max(marks, key=len), paper=paper.format(n=20)) for paper in papers}
    for key, label in labels.items():
        assert "{" not in label, f"{key}: who knows how long it gets?"
        assert graphemes(label) <= FLEX_LABEL
        card = rendered(Message(("x",), tuple(Button(label, f"c{i}") for i in range(BUTTONS))))[-1]
        assert {action["label"] for action in actions(card)} == set(words_on(card)) == {label}, key
        assert bool(quick(card)) == (graphemes(label) <= QUICK_LABEL)


def test_which_labels_are_too_long_for_a_quick_reply() -> None:
    """None in Thai; a new one needs shorter words, or a place in this list."""
    found = {key for one in LANGUAGES for key, label in TEXTS.prefixed(one, *LABELLED).items() if graphemes(label) > 20}
    assert found <= CARD_ONLY
    assert not {label for label in TEXTS.prefixed("th", *LABELLED).values() if graphemes(label) > QUICK_LABEL}
