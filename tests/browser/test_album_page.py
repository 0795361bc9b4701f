"""Pictures, pages and files in a real browser: several at once, dragged, refused, shown, opened larger."""

import re
from collections.abc import AsyncIterator
from functools import cache, partial
from io import BytesIO
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import Browser, FilePayload, expect

from bot.channels.uploads import FILE_LIMIT
from tests.album import PAGE, WORDS, Album, an_album
from tests.browser.window import Seat, Window
from tests.cast import SOMCHAI

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NAMES = ("บัตรประชาชน ปี่ที่น้ำ ด้านหน้าซึ่งชื่อยาวมาก" + "ก" * 90 + ".jpg", "ทะเบียนบ้าน.jpg")


@cache
def photo(width: int = 1200, height: int = 900) -> bytes:
    out = BytesIO()
    Image.linear_gradient("L").resize((width, height)).save(out, "JPEG")
    return out.getvalue()


def file(name: str, data: bytes = b"", mime: str = "image/jpeg") -> FilePayload:
    return {"name": name, "mimeType": mime, "buffer": data or photo()}


@pytest_asyncio.fixture(loop_scope="session")
async def at_album(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Window, Seat, Album]]:
    async with an_album(monkeypatch, tmp_path) as (house, album), Window.at(browser, house, "th") as window:
        seat = window.seat()
        await seat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
        await seat.says("album")
        yield window, seat, album
        window.check_quiet()


async def counts(seat: Seat, number: int) -> None:
    await expect(seat.newest).to_contain_text(WORDS["ask.album.pages"].format(count=number))


async def test_two_files_at_once_come_in_their_order_and_are_shown(at_album: tuple[Window, Seat, Album]) -> None:
    window, seat, album = at_album
    await seat.hands_in(*(file(name) for name in NAMES))
    await counts(seat, 2)
    assert [(sent.name, sent.place) for sent in album.files] == [(NAMES[0], (1, 2)), (NAMES[1], (2, 2))]
    for name in NAMES:
        await expect(seat.log.locator(".from-person").filter(has_text=name)).to_contain_text(re.compile(r"\d\d:\d\d"))
    picture = seat.newest.get_by_role("img", name=seat.words("web.picture"), exact=True)
    await expect(picture).to_be_visible()
    assert await picture.evaluate("image => image.complete && image.naturalWidth") == 1200
    await window.check_fit()
    await window.check_names()


async def test_a_picture_opens_larger_and_closes_by_keyboard_and_by_hand(at_album: tuple[Window, Seat, Album]) -> None:
    window, seat, _ = at_album
    await seat.sends(file(NAMES[1]))
    opens = seat.newest.get_by_role("button", name=seat.words("web.picture_open"))
    view = window.page.get_by_role("dialog")
    await opens.focus()
    await window.page.keyboard.press("Enter")
    await expect(view.get_by_role("img", name=seat.words("web.picture"))).to_be_visible()
    await window.check_fit()
    await window.check_names()
    shown = view.get_by_role("img", name=seat.words("web.picture"))
    for press in (partial(window.page.keyboard.press, "Enter"), shown.click):  # once larger, once as it was
        before = await shown.bounding_box()
        await press()
        after = await shown.bounding_box()
        assert before
        assert after
        assert before["width"] != after["width"]
    await window.page.keyboard.press("Escape")
    await expect(view).to_be_hidden()
    await expect(opens).to_be_focused()
    await opens.click()
    await view.get_by_role("button", name=seat.words("web.picture_close")).click()
    await expect(view).to_be_hidden()


async def test_a_page_opens_beside_the_chat(at_album: tuple[Window, Seat, Album]) -> None:
    window, seat, _ = at_album
    link = seat.newest.get_by_role("link", name=WORDS["choice.album_open"])
    async with window.page.context.expect_page() as opened:
        await link.click()
    page = await opened.value
    await expect(page.get_by_text("the page")).to_be_visible()
    assert page.url.endswith(PAGE)
    assert await page.evaluate("window.opener") is None
    await page.close()
    await counts(seat, 0)


async def test_while_nothing_is_said_the_page_shows_that_something_is_done(
    at_album: tuple[Window, Seat, Album],
) -> None:
    window, seat, album = at_album
    album.gate.clear()
    await seat.hands_in(file(NAMES[1]))
    busy, dots = seat.root.get_by_role("status"), seat.root.locator(".typing")
    await expect(busy).to_have_text(seat.words("web.busy"))
    await expect(dots).to_be_visible()
    await expect(dots).to_contain_text(seat.words("web.busy"))
    await window.check_fit()
    album.gate.set()
    await counts(seat, 1)
    await expect(dots).to_be_hidden()
    await expect(busy).to_be_empty()


async def test_a_file_on_its_way_says_how_far_it_is(at_album: tuple[Window, Seat, Album]) -> None:
    window, seat, _ = at_album
    line = await window.page.context.new_cdp_session(window.page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 1_000_000}
    await line.send("Network.emulateNetworkConditions", slow)
    await seat.hands_in(file("1.jpg", photo() + bytes(1_000_000)), file("2.jpg"))
    first, second = (
        seat.log.locator(".from-person").filter(has_text=name).locator(".meta") for name in ("1.jpg", "2.jpg")
    )
    await expect(first).to_have_text(re.compile(r"[1-9]\d?%"))
    await expect(second).to_have_text(seat.words("web.sending"))
    await line.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    await counts(seat, 2)
    for state in (first, second):
        await expect(state).to_have_text(re.compile(r"^\d\d:\d\d$"))


async def test_files_that_are_dragged_onto_the_chat(at_album: tuple[Window, Seat, Album]) -> None:
    _, seat, album = at_album
    dragged = await seat.root.evaluate_handle(
        """() => {
            const dragged = new DataTransfer();
            for (const name of ["1.jpg", "2.jpg"])
                dragged.items.add(new File([new Uint8Array([255, 216, 255])], name, { type: "image/jpeg" }));
            return dragged;
        }"""
    )
    await seat.root.dispatch_event("dragover", {"dataTransfer": dragged})
    await expect(seat.root.locator(".drop")).to_be_visible()
    await seat.root.dispatch_event("drop", {"dataTransfer": dragged})
    await expect(seat.root.locator(".drop")).to_be_hidden()
    await counts(seat, 2)
    assert [(sent.name, sent.place) for sent in album.files] == [("1.jpg", (1, 2)), ("2.jpg", (2, 2))]


async def test_what_is_refused_says_why_and_the_next_file_goes_on(
    at_album: tuple[Window, Seat, Album], monkeypatch: pytest.MonkeyPatch
) -> None:
    window, seat, album = at_album
    window.forgive("status of 429", "status of 413")
    monkeypatch.setattr("bot.channels.uploads.UNHELD_MOST", 0)
    await seat.hands_in(file("1.pdf", b"%PDF-1.7", "application/pdf"))
    await expect(seat.log.get_by_text(seat.words("web.error.too_many_files"), exact=True)).to_be_visible()
    monkeypatch.setattr("bot.channels.uploads.UNHELD_MOST", 60)
    monkeypatch.setattr("bot.channels.uploads.FILE_LIMIT", FILE_LIMIT // 4)
    await seat.hands_in(file("2.heic", bytes(FILE_LIMIT // 2), "image/heic"), file("3.jpg"))
    await expect(seat.log.get_by_text(seat.words("web.error.file_too_large"), exact=True)).to_be_visible()
    await counts(seat, 1)
    assert [sent.name for sent in album.files] == ["3.jpg"]
    await window.check_fit()


async def test_a_picture_that_is_over_leaves_a_word_in_its_place(at_album: tuple[Window, Seat, Album]) -> None:
    window, seat, _ = at_album
    await seat.sends(file(NAMES[1]))
    window.forgive("status of 404")
    await window.page.route("**/f/*", lambda route: route.fulfill(status=404, body="not here"))
    await window.page.reload()
    await expect(seat.newest.get_by_text(seat.words("web.picture_gone"), exact=True)).to_be_visible()
    await window.check_fit()
