"""What is sent is taken, is shown, and a page opens beside it: on LINE and on the web."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.channels.line.decode import TOKEN_SECONDS
from bot.channels.line.fake_webhooks import redelivered
from bot.fetching import Gone, TooMuch
from bot.outbox import Carrier, Entry
from tests.album import PAGE, SECONDS, Album, an_album
from tests.cast import MALEE, SOMCHAI
from tests.chats import LineChat, WebChat
from tests.house import House, a_house
from tests.security.tools import rows, stored

JPEG = b"\xff\xd8\xff\xe0 a picture \xff\xd9"
PUBLIC = "https://kp7.example.go.th"


@pytest.fixture
async def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[House, Album]]:
    async with an_album(monkeypatch, tmp_path) as made:
        yield made


@pytest.fixture
async def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[House, Album]]:
    async with an_album(monkeypatch, tmp_path, channel="line", public_url=PUBLIC) as made:
        yield made


async def at_web(house: House) -> WebChat:
    """Somchai before his album."""
    chat = await house.somebody()
    assert isinstance(chat, WebChat)
    await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await chat.presses_data("go:album")
    return chat


async def on_line(house: House) -> LineChat:
    chat = await house.somebody()
    assert isinstance(chat, LineChat)
    await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await chat.presses_data("go:album")
    return chat


async def quiet(house: House) -> None:
    """Until nothing is being carried any more."""
    while await rows(house, "SELECT 1 FROM outbox WHERE dead_at IS NULL"):
        await house.kp7.outbox.lanes.rest()
        await house.kp7.outbox._flush()


# --- on the web -------------------------------------------------------------------------------------------------------


async def test_a_file_is_kept_sealed_before_anybody_hears_of_it(web: tuple[House, Album]) -> None:
    house, album = web
    chat = await at_web(house)
    album.gate.clear()
    assert (await chat.sends(JPEG, "บัตร.jpg", nth=2, of=3)).status_code == 200
    (file,) = album.files
    assert (file.name, file.mime, file.size, file.place) == ("บัตร.jpg", "image/jpeg", len(JPEG), (2, 3))
    (row,) = await rows(house, "SELECT f.id, f.held, p.id_index FROM files f JOIN people p ON p.id = f.person_id")
    assert (row["id"], row["held"]) == (file.reference, 0)
    assert list(stored(house)) == [file.reference]
    assert JPEG not in stored(house)[file.reference]


async def test_while_it_is_looked_at_the_page_is_told_and_nothing_is_said(web: tuple[House, Album]) -> None:
    house, album = web
    chat = await at_web(house)
    shown = len(chat.screens)
    album.gate.clear()
    await chat.sends(JPEG)
    await chat.is_told_to_wait()
    assert chat.busy == [{"slot": 1, "seconds": SECONDS}]
    assert len(chat.screens) == shown
    assert not await rows(house, "SELECT 1 FROM outbox WHERE purpose IN ('reply', 'news')")
    album.gate.set()
    await chat.hears(shown + 1)
    chat.sees("ask.album.pages")
    assert "1 ภาพ" in chat.screen.text
    assert len(chat.busy) == 1


async def test_the_picture_of_a_question_is_shown_to_whoever_has_its_address(web: tuple[House, Album]) -> None:
    house, _ = web
    chat = await at_web(house)
    assert chat.screen.picture == ""
    shown = len(chat.screens)
    await chat.sends(JPEG)
    await chat.hears(shown + 1)
    async with httpx.AsyncClient() as anybody:
        answer = await anybody.get(house.url + chat.screen.picture)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, JPEG, "image/jpeg")


async def test_a_page_is_opened_and_answers_nothing(web: tuple[House, Album]) -> None:
    house, _ = web
    chat = await at_web(house)
    (link,) = [button for button in chat.screen["buttons"] if button["link"]]
    assert (link["label"], link["link"], link["data"]) == ("เปิดหน้าลงนาม", PAGE, "")
    assert (await chat.client.get(house.url + link["link"])).text == "the page"
    await chat.says("เปิดหน้าลงนาม")
    chat.sees("ask.album.pages")
    (again,) = [button for button in chat.screen["buttons"] if button["link"]]
    assert again["link"] == PAGE


async def test_what_is_slow_and_held_shows_no_screen_before_its_answer(web: tuple[House, Album]) -> None:
    house, album = web
    chat = await at_web(house)
    album.gate.clear()
    shown = len(chat.screens)
    await chat.post({"press": chat.screen.data("ครบแล้ว")})
    await chat.is_told_to_wait()
    assert len(chat.screens) == shown
    await chat.says("เสร็จหรือยัง")
    chat.sees("error.still_waiting", "wait.album.bound")
    album.gate.set()
    await chat.hears(shown + 2)
    chat.sees("ask.album.end")


@pytest.mark.parametrize(("name", "said"), [("at once", "album.kept"), ("too many", "error.album_full")])
async def test_who_holds_and_then_says_something_has_said_it(web: tuple[House, Album], name: str, said: str) -> None:
    house, album = web
    chat = await at_web(house)
    album.gate.clear()
    shown = len(chat.screens)
    await chat.sends(JPEG, name)
    await chat.hears(shown + 1)
    chat.sees(said, "ask.album.pages")
    await house.kp7.outbox._flush()
    assert chat.busy == []


async def test_an_upload_belongs_to_whoever_made_it(web: tuple[House, Album]) -> None:
    house, album = web
    chat = await at_web(house)
    album.gate.clear()
    await chat.sends(JPEG)
    malee = await house.somebody()
    await malee.logs_in(MALEE.national_id, MALEE.email)
    people = await rows(
        house,
        "SELECT p.id_index, k.id, k.wrapped, (SELECT COUNT(*) FROM files f WHERE f.key_id = k.id) AS files "
        "FROM people p JOIN keys k ON k.id = p.key_id JOIN accounts a ON a.person_id = p.id",
    )
    assert house.kp7.web
    fetch = house.kp7.web.uploads.fetch
    for row in people:
        key = house.kp7.vault.unwrap(row["id"], row["wrapped"])
        if row["files"]:
            assert await fetch(album.files[0].reference, key, 100) == JPEG
            with pytest.raises(TooMuch):
                await fetch(album.files[0].reference, key, len(JPEG) - 1)
        else:
            for most in (100, 1):  # nor is anybody told how large it is
                with pytest.raises(Gone):
                    await fetch(album.files[0].reference, key, most)
    assert sorted(row["files"] for row in people) == [0, 1]


async def test_the_page_hears_of_what_another_process_does(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared: dict[str, Any] = {"database_url": postgres_url, "files_url": (tmp_path / "files").as_uri()}
    async with (
        an_album(monkeypatch, tmp_path, **shared) as (first, album),
        a_house(tmp_path, samples=False, **shared) as second,
    ):
        chat = await at_web(first)
        album.gate.clear()
        shown = len(chat.screens)
        url = f"{second.url}/chat/people/1/files?id=abcdefgh&name=1.jpg"
        assert (await chat.client.post(url, content=JPEG)).status_code == 200
        await chat.is_told_to_wait()
        assert (chat.busy[0]["slot"], SECONDS - 5 <= chat.busy[0]["seconds"] <= SECONDS) == (1, True)
        album.gate.set()
        await chat.hears(shown + 1)
        chat.sees("ask.album.pages")


# --- on LINE ----------------------------------------------------------------------------------------------------------


async def test_on_line_it_is_a_reply_however_long_the_job_took_below_its_time(line: tuple[House, Album]) -> None:
    house, album = line
    assert house.line
    chat = await on_line(house)
    album.gate.clear()
    shown, pushes = len(chat.screens), house.line.consumption
    await chat.sends(chat.webhooks.image(chat.user, JPEG))
    await house.line.until(lambda: house.line is not None and house.line.loading == [(chat.user, SECONDS)])
    assert len(chat.screens) == shown
    house.clock.forward(seconds=TOKEN_SECONDS - 20)
    album.gate.set()
    await chat.hears(shown + 1)
    chat.sees("ask.album.pages")
    assert house.line.accepted[-1].endpoint == "reply"
    assert house.line.consumption == pushes


async def test_on_line_it_is_a_push_when_the_job_took_longer(line: tuple[House, Album]) -> None:
    house, album = line
    assert house.line
    chat = await on_line(house)
    album.gate.clear()
    shown = len(chat.screens)
    await chat.sends(chat.webhooks.image(chat.user, JPEG))
    house.clock.forward(seconds=TOKEN_SECONDS - 5)
    album.gate.set()
    await chat.hears(shown + 1)
    assert house.line.accepted[-1].endpoint == "push"


async def test_line_shows_the_picture_above_the_card_and_the_page_behind_a_button(line: tuple[House, Album]) -> None:
    house, _ = line
    assert house.line
    chat = await on_line(house)
    shown = len(chat.screens)
    await chat.sends(chat.webhooks.image(chat.user, JPEG))
    await chat.hears(shown + 1)
    assert [message["type"] for message in house.line.accepted[-1].messages] == ["text", "image", "flex"]
    address = chat.screen.picture
    assert re.fullmatch(rf"{PUBLIC}/f/[\w.-]+", address)
    async with httpx.AsyncClient() as line_itself:
        answer = await line_itself.get(house.url + address.removeprefix(PUBLIC))
    assert answer.content == JPEG
    assert [button["link"] for button in chat.screen["buttons"] if button["link"]] == [PUBLIC + PAGE]


async def test_an_animation_that_line_refuses_holds_up_nothing(line: tuple[House, Album]) -> None:
    house, _ = line
    assert house.line
    chat = await on_line(house)
    house.line.fail_next("500", endpoint="loading")
    shown = len(chat.screens)
    await chat.sends(chat.webhooks.image(chat.user, JPEG))
    await chat.hears(shown + 1)
    chat.sees("ask.album.pages")
    await quiet(house)
    assert house.line.loading == []
    assert not await rows(house, "SELECT 1 FROM outbox")


async def test_an_animation_that_comes_too_late_is_not_shown(line: tuple[House, Album]) -> None:
    house, album = line
    assert house.line
    chat = await on_line(house)
    album.gate.clear()
    carriers, late = house.kp7.outbox.carriers, asyncio.Queue[Entry]()
    deliver = carriers["line"].deliver
    carriers["line"] = Carrier(late.put)
    await chat.sends(chat.webhooks.image(chat.user, JPEG))
    entry = await late.get()
    house.clock.forward(seconds=SECONDS + 1)
    assert (entry.purpose, entry.content) == ("loading", {"to": chat.user, "seconds": SECONDS})
    await deliver(entry)
    assert house.line.loading == []


# --- taken back -------------------------------------------------------------------------------------------------------


async def test_what_is_taken_back_is_told_to_every_topic(line: tuple[House, Album]) -> None:
    house, album = line
    chat = await on_line(house)
    event = chat.webhooks.image(chat.user, JPEG)
    shown = len(chat.screens)
    await chat.sends(event)
    await chat.hears(shown + 1)
    await chat.sends(chat.webhooks.unsend(chat.user, event["message"]["id"]))
    assert album.unsent == [f"{chat.user} {album.files[0].reference}"]
    await quiet(house)
    assert len(chat.screens) == shown + 1


async def test_what_was_taken_back_before_it_came_is_not_there_to_fetch(line: tuple[House, Album]) -> None:
    """A delivery that failed is repeated later than what followed it. By then there is nothing to fetch."""
    house, _ = line
    chat = await on_line(house)
    event = chat.webhooks.image(chat.user, JPEG)
    house.clock.forward(seconds=3)
    shown = len(chat.screens)
    assert house.line
    house.line.unsend(event["message"]["id"])
    await chat.sends(chat.webhooks.unsend(chat.user, event["message"]["id"]))
    await chat.sends(redelivered(event))
    await chat.hears(shown + 1)
    chat.sees("album.gone")
    assert "0 ภาพ" in chat.screen.text
    house.line.refused.clear()


async def test_what_is_taken_back_while_it_is_fetched_is_not_there_to_fetch(line: tuple[House, Album]) -> None:
    house, album = line
    assert house.line
    chat = await on_line(house)
    album.gate.clear()
    event = chat.webhooks.image(chat.user, JPEG)
    shown = len(chat.screens)
    await chat.sends(event)
    await chat.sends(chat.webhooks.unsend(chat.user, event["message"]["id"]))
    album.gate.set()
    await chat.hears(shown + 1)
    chat.sees("album.gone", "ask.album.pages")
    assert "0 ภาพ" in chat.screen.text
    assert [(refused.endpoint, refused.status) for refused in house.line.refused] == [("content", 410)]
    house.line.refused.clear()
