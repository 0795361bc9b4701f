"""What somebody has sent is fetched: now, a little later, never, or not beyond what anybody takes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bot.channels.line.api import PREPARING_WAIT, LineApi
from bot.channels.line.fake import FakeLine
from bot.fetching import Gone, TooMuch
from bot.outbox import Undelivered

MOST = 300_000
PHOTO = bytes(range(256)) * 1_000


@asynccontextmanager
async def line_and_api() -> AsyncIterator[tuple[FakeLine, LineApi]]:
    async with FakeLine(token="token").running() as line:
        api = LineApi(line.url, "token")
        try:
            yield line, api
        finally:
            await api.close()


@asynccontextmanager
async def slow_api(times: int, *, seconds: float) -> AsyncIterator[tuple[list[int], LineApi]]:
    """A LINE whose every file is the photo so many times, with a pause after each; and what it has sent of it."""
    sent: list[int] = []

    async def trickles(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(times):
            await answer.write(PHOTO)
            sent.append(len(PHOTO))
            await asyncio.sleep(seconds)
        return answer

    app = web.Application()
    app.router.add_get("/v2/bot/message/{id}/content", trickles)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    api = LineApi(f"http://127.0.0.1:{runner.addresses[0][1]}", "token")
    try:
        yield sent, api
    finally:
        await api.close()
        await runner.cleanup()


async def test_a_photo_comes_whole() -> None:
    async with line_and_api() as (line, api):
        assert await api.content(line.content(PHOTO), MOST) == PHOTO
        assert await api.content(line.content(b""), MOST) == b""
        assert line.violations == []


async def test_while_line_prepares_it_it_is_asked_for_again() -> None:
    async with line_and_api() as (line, api):
        number = line.content(PHOTO, preparing=2)
        for _ in range(2):
            with pytest.raises(Undelivered) as caught:
                await api.content(number, MOST)
            assert (caught.value.wait, caught.value.permanent) == (PREPARING_WAIT, False)
        assert await api.content(number, MOST) == PHOTO


async def test_what_was_taken_back_or_is_too_old_never_comes() -> None:
    async with line_and_api() as (line, api):
        taken_back = line.content(PHOTO)
        line.unsend(taken_back)
        for number in (taken_back, "500000000000099999"):
            with pytest.raises(Gone) as caught:
                await api.content(number, MOST)
            assert caught.value.permanent


@pytest.mark.parametrize("made_up", ["", "../../push", "1/../2", "1?x", "1#", "1%2f", "ก", "1\n", "9" * 65])
async def test_what_is_no_id_is_not_asked_for(made_up: str) -> None:
    """Not even of a LINE that cannot be reached, which would be asked again."""
    api = LineApi("http://127.0.0.1:1", "token")
    with pytest.raises(Gone) as caught:
        await api.content(made_up, MOST)
    assert caught.value.permanent
    await api.close()


async def test_more_than_anybody_takes_is_not_read_to_its_end() -> None:
    """A thousand times as much, and slowly: it is not waited for."""
    async with slow_api(1_000, seconds=0) as (sent, api):
        with pytest.raises(TooMuch):
            await api.content("1", MOST)
        assert len(sent) < 100


async def test_a_large_file_over_a_slow_line_takes_longer_than_an_answer_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.channels.line.api.TIMEOUT_SECONDS", 0.3)
    async with slow_api(4, seconds=0.2) as (_, api):
        assert await api.content("1", 4 * len(PHOTO)) == 4 * PHOTO


async def test_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.channels.line.api.CONTENT_SECONDS", 0.3)
    async with slow_api(4, seconds=0.2) as (_, api):
        with pytest.raises(Undelivered, match="in time") as caught:
            await api.content("1", 4 * len(PHOTO))
        assert not caught.value.permanent


async def test_trouble_is_told_apart() -> None:
    async with line_and_api() as (line, api):
        number = line.content(PHOTO)
        for fault in ("429", "500", "close_before", "close_midway"):
            line.fail_next(fault, endpoint="content")
            with pytest.raises(Undelivered) as caught:
                await api.content(number, MOST)
            assert not caught.value.permanent, fault
        line.token = "another"
        with pytest.raises(Undelivered, match="access token"):
            await api.content(number, MOST)


def test_the_files_lie_on_a_host_of_their_own_where_the_address_is_lines() -> None:
    assert LineApi("https://api.line.me", "t")._contents == "https://api-data.line.me/v2/bot/message/"
    assert LineApi("http://127.0.0.1:1", "t")._contents == "http://127.0.0.1:1/v2/bot/message/"
