"""A card with buttons outlives the screens that come after it: on the web and on LINE, in the right hands only."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from bot.topic import Words
from storage.ids import new_id
from tests.cards import Because, Cards, Tick, buttons, post, some_cards, tell
from tests.cast import MALEE, SOMCHAI
from tests.chats import Chat, Screen
from tests.house import House
from tests.security.tools import history

PUBLIC = "https://kp7.example.go.th"
PICTURES = ("/f/" + "x" * 110, "/f/two", "/f/three")


@pytest.fixture(params=["web", "line"])
async def cards(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[House, Cards]]:
    public = {"public_url": PUBLIC} if request.param == "line" else {}
    async with some_cards(monkeypatch, tmp_path, channel=request.param, **public) as made:
        yield made


async def tells(house: House, cards: Cards, chat: Chat, words: Words) -> Screen:
    """Whoever chats here is told. → what they see"""
    shown = len(chat.screens)
    await tell(house, cards, words)
    return await chat.hears(shown + 1)


async def logged_in(house: House) -> Chat:
    chat = await house.somebody()
    await chat.logs_in(MALEE.national_id, MALEE.email)
    return chat


def data(screen: Screen) -> Sequence[str]:
    return [button["data"] for button in screen["buttons"]]


async def test_a_button_works_in_the_midst_of_something_else_and_leads_back(cards: tuple[House, Cards]) -> None:
    house, toy = cards
    malee, item = await logged_in(house), new_id()
    card = await tells(house, toy, malee, Words("cards.told", buttons=buttons(item), menu=("profile",)))
    assert set(card.labels) == {"ตกลง", "ส่งคืนฉบับ 2", "อ่าน", house.kp7.texts("th", "menu.profile")}
    tick, why, public = (card.data(label) for label in ("ตกลง", "ส่งคืนฉบับ 2", "อ่าน"))

    await malee.presses_data(tick)
    malee.sees("cards.done", "home.choose")
    await malee.says("talk")
    await malee.presses_data(tick)
    malee.sees("cards.done", "resume.card_talk", "ask.cards.talk")
    await malee.presses_data(public)
    malee.sees("cards.public", "resume.card_talk", "ask.cards.talk")
    await malee.presses_data(why)
    malee.sees("ask.cards.why")
    await malee.presses_data(tick)
    malee.sees("cards.done", "resume.card_why", "ask.cards.why")
    await malee.says("ภาพไม่ชัด")
    malee.sees("cards.because", "resume.card_talk", "ask.cards.talk")
    assert toy.ticked == [*[Tick(item, "0123abcd")] * 3, Because(item, "ภาพไม่ชัด")]

    toy.current = "ffffffff"
    await malee.presses_data(tick)
    malee.sees("cards.late", "resume.card_talk")
    assert len(toy.ticked) == 4


async def test_with_too_much_open_it_says_so_and_the_card_pressed_last_is_asked_about(
    cards: tuple[House, Cards],
) -> None:
    house, toy = cards
    malee, items = await logged_in(house), [new_id() for _ in range(4)]
    why = [data(await tells(house, toy, malee, Words("cards.told", buttons=buttons(item))))[1] for item in items]
    for one in why[:3]:
        await malee.presses_data(one)
        malee.sees("ask.cards.why")
    await malee.presses_data(why[3])
    malee.sees("error.too_deep", "ask.cards.why")
    await malee.presses_data(why[0])
    await malee.says("ข้อแรก")
    malee.sees("cards.because", "resume.card_why", "ask.cards.why")
    assert toy.ticked == [Because(items[0], "ข้อแรก")], "it is about the card that was pressed last"
    await malee.presses_data(why[3])
    await malee.says("ข้อสี่")
    assert toy.ticked[1:] == [Because(items[3], "ข้อสี่")]


async def test_who_has_logged_out_is_asked_to_log_in_and_then_it_is_theirs_again(cards: tuple[House, Cards]) -> None:
    house, toy = cards
    malee, item = await logged_in(house), new_id()
    tick, why, public = data(await tells(house, toy, malee, Words("cards.told", buttons=buttons(item))))
    await malee.presses_data("go:logout")
    for one in (tick, why, public):
        await malee.presses_data(one)
        malee.sees("error.login_first", "home.choose")
    await malee.logs_in(MALEE.national_id, MALEE.email)
    await malee.presses_data(tick)
    malee.sees("cards.done")
    assert toy.ticked == [Tick(item, "0123abcd")]


async def test_whose_session_is_over_is_told_so(cards: tuple[House, Cards]) -> None:
    house, toy = cards
    malee = await logged_in(house)
    tick, _, public = data(await tells(house, toy, malee, Words("cards.told", buttons=buttons(new_id()))))
    house.clock.forward(days=1)
    await malee.presses_data(tick)
    malee.sees("session_over", "error.login_first")
    await malee.presses_data(tick)
    malee.sees("error.login_first")
    await malee.presses_data(public)
    malee.sees("cards.public")
    assert toy.ticked == []


async def test_in_another_chat_and_for_another_person_it_is_an_old_button(cards: tuple[House, Cards]) -> None:
    house, toy = cards
    malee = await logged_in(house)
    card = data(await tells(house, toy, malee, Words("cards.told", buttons=buttons(new_id()))))
    tablet = await logged_in(house)
    for one in card:
        await tablet.presses_data(one)
        tablet.sees("error.old_button")
    await malee.presses_data("go:logout")
    await malee.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    for one in card:
        await malee.presses_data(one)
        malee.sees("error.old_button")
    assert toy.ticked == []


async def test_forged_and_cut_tokens_are_old_buttons(cards: tuple[House, Cards]) -> None:
    house, toy = cards
    malee = await logged_in(house)
    tick = data(await tells(house, toy, malee, Words("cards.told", buttons=buttons(new_id()))))[0]
    moved = tick[0] + "y" + tick[2:]  # another act of the same card
    newer = tick[:28] + "ffffffff" + tick[36:]
    for forged in (moved, newer, tick[:-1], tick[:28], "a", "a" * 48, tick + "x", tick.upper()):
        await malee.presses_data(forged)
        malee.sees("error.old_button")
    assert toy.ticked == []


async def test_pictures_of_a_notice_and_of_a_question(cards: tuple[House, Cards]) -> None:
    house, toy = cards
    malee = await logged_in(house)
    address = PUBLIC if house.line else ""
    card = await tells(house, toy, malee, Words("cards.told", buttons=buttons(new_id()), pictures=PICTURES))
    assert card["pictures"] == [address + path for path in PICTURES]
    if house.line:
        kinds = [message["type"] for message in house.line.accepted[-1].messages]
        assert kinds == ["text", "image", "image", "image", "flex"]
    await malee.says("talk")
    assert malee.screen["pictures"] == [address + "/f/one", address + "/f/two"]
    await malee.says("something")
    malee.sees("error.choose")
    assert len(malee.screen["pictures"]) == 2


async def test_a_message_that_was_written_before_there_could_be_several_pictures(cards: tuple[House, Cards]) -> None:
    """It may wait in the outbox, or stand in a chat, while KP7 is deployed."""
    house, _ = cards
    malee = await logged_in(house)
    old = {"lines": ["ได้รับแล้วค่ะ"], "buttons": [], "input": "text", "language": "th", "fresh": False, "busy": 0}
    address = PUBLIC if house.line else ""
    for picture, shown in (("/f/old", [address + "/f/old"]), ("", [])):
        before = len(malee.screens)
        await post(house, "line" if house.line else "web", {"message": {**old, "picture": picture}})
        assert (await malee.hears(before + 1))["pictures"] == shown
    if not house.line:
        assert '"pictures": ["/f/old"]' in await history(malee), "as a reload of the page shows it"


async def test_without_anybody_behind_the_chat_there_are_no_buttons(cards: tuple[House, Cards]) -> None:
    house, toy = cards
    somebody = await house.somebody()
    card = await tells(house, toy, somebody, Words("cards.told", buttons=buttons(new_id()), menu=("login",)))
    assert card.labels == [house.kp7.texts("th", "menu.login")]
