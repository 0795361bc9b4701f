"""Cards in a real browser: several pictures in one message, and a button that still works under newer messages."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from bot.topic import Words
from storage.ids import new_id
from tests.browser.test_album_page import photo
from tests.browser.window import Seat, Window
from tests.cards import WORDS, Cards, Tick, buttons, some_cards, tell
from tests.cast import MALEE

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PICTURES = {"/f/one": photo(600, 800), "/f/two": photo(800, 600), "/f/three": photo(300, 400)}


@pytest_asyncio.fixture(loop_scope="session")
async def at_cards(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Window, Seat, Cards]]:
    async with some_cards(monkeypatch, tmp_path) as (house, cards), Window.at(browser, house, "th") as window:
        for path, data in PICTURES.items():
            await window.page.route(
                f"**{path}", lambda route, _, data=data: route.fulfill(body=data, content_type="image/jpeg")
            )
        seat = window.seat()
        await seat.logs_in(MALEE.national_id, MALEE.email)
        yield window, seat, cards
        window.check_quiet()


async def test_pictures_stand_under_each_other_and_each_opens_by_its_own_name(
    at_cards: tuple[Window, Seat, Cards],
) -> None:
    window, seat, cards = at_cards
    await seat.looks()
    await tell(window.house, cards, Words("cards.told", buttons=buttons(new_id()), pictures=tuple(PICTURES)))
    await seat.answered()
    view, name = window.page.get_by_role("dialog"), seat.words("web.picture")
    tops = []
    for n, width in enumerate((600, 800, 300), start=1):
        picture = seat.newest.get_by_role("img", name=f"{name} {n}", exact=True)
        await expect(picture).to_be_visible()
        await expect(picture).to_have_js_property("naturalWidth", width)
        box = await picture.bounding_box()
        assert box
        tops.append(box["y"])
        await seat.newest.get_by_role("button", name=f"{name} {n}").click()
        await expect(view.get_by_role("img", name=f"{name} {n}", exact=True)).to_have_js_property("naturalWidth", width)
        await window.page.keyboard.press("Escape")
    assert tops == sorted(tops)
    await window.check_fit()
    await window.check_names()


async def test_a_button_of_a_card_works_under_newer_messages_and_after_a_reload(
    at_cards: tuple[Window, Seat, Cards],
) -> None:
    window, seat, cards = at_cards
    item = new_id()
    await seat.looks()
    await tell(window.house, cards, Words("cards.told", buttons=buttons(item)))
    await seat.answered()
    await seat.says("talk")
    for _ in range(2):
        await seat.looks()
        await seat.log.get_by_role("button", name=WORDS["act.card_tick"], exact=True).click()
        await seat.answered()
        await expect(seat.newest).to_contain_text(WORDS["cards.done"])
        await expect(seat.newest).to_contain_text(WORDS["ask.cards.talk"])
        await window.page.reload()
    assert cards.ticked == [Tick(item, "0123abcd")] * 2
