"""One paper that waits, opened from an officer's chat (SES1-2, FILE3): for one browser, and whoever else comes changes
nothing; its original leaves only with fresh digits."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pyotp
import pytest

from tests.house import Chat, House
from tests.journeys.reviewing import proves
from tests.security.test_review import at_work
from tests.security.tools import rows


@dataclass
class Opened:
    """Malee's browser, before the paper; its address; what makes her digits."""

    house: House
    chat: Chat
    browser: httpx.AsyncClient
    path: str
    totp: pyotp.TOTP

    async def gets(self, rest: str = "") -> httpx.Response:
        return await self.browser.get(self.path + rest)

    async def gives(self, code: str, **headers: str) -> httpx.Response:
        said = {"origin": self.house.url, **headers}
        return await self.browser.post(f"{self.path}/original", data={"code": code}, headers=said)

    @property
    def digits(self) -> str:
        return self.totp.at(self.house.clock() // 1000)

    async def seen_at(self) -> int:
        (proof,) = await rows(self.house, "SELECT seen_at FROM officer_sessions")
        return int(proof["seen_at"])


def link_on(chat: Chat) -> str:
    return str(next(button["link"] for button in chat.sees("ask.review_open")["buttons"] if button["link"]))


@pytest.fixture
async def link(house: House) -> AsyncIterator[Opened]:
    """In no browser's hands yet."""
    _, malee, totp, _ = await at_work(house)
    await malee.presses_data(malee.screen.data(house.kp7.texts("th", "act.open_item")))
    await proves(malee, totp)
    async with httpx.AsyncClient(base_url=house.url, timeout=20) as browser:
        yield Opened(house, malee, browser, link_on(malee), totp)


@pytest.fixture
async def opened(link: Opened) -> Opened:
    assert (await link.browser.post(link.path, headers={"origin": link.house.url})).status_code == 303
    assert (await link.gets()).status_code == 200
    return link


async def test_only_the_officers_own_browser_keeps_the_proof_alive(link: Opened) -> None:
    """Else whoever reads the address in a chat could keep an officer from being logged out."""
    house, before = link.house, await link.seen_at()
    house.clock.forward(minutes=1)
    async with httpx.AsyncClient(base_url=house.url, timeout=20) as stranger:
        assert "<form" in (await stranger.get(link.path)).text
        assert await link.seen_at() == before
        assert (await link.browser.post(link.path, headers={"origin": house.url})).status_code == 303
        for rest in ("", "/pages/1", "/original"):
            assert (await stranger.get(link.path + rest)).status_code == 404
        assert (await stranger.post(link.path, headers={"origin": house.url})).status_code == 404
    assert await link.seen_at() == before
    assert (await link.gets()).status_code == 200
    assert await link.seen_at() > before


async def test_the_original_wants_fresh_digits(link: Opened) -> None:
    house = link.house
    house.clock.forward(minutes=4)
    await link.chat.taps("choice.new_link")
    link.path = link_on(link.chat)
    assert (await link.browser.post(link.path, headers={"origin": house.url})).status_code == 303
    assert 'name="code"' not in (await link.gets()).text
    assert (await link.gets("/original")).content.startswith(b"%PDF-")
    house.clock.forward(minutes=2)  # since the digits: six
    wrong = "000000" if link.digits != "000000" else "111111"
    for stale, status in (
        (await link.gets("/original"), 403),
        (await link.gives(wrong), 422),
        (await link.gives(""), 422),
    ):
        assert (stale.status_code, 'name="code"' in stale.text) == (status, True)
        assert b"%PDF" not in stale.content
    assert (await link.gets("/pages/1")).headers[
        "content-type"
    ] == "image/jpeg"  # what is drawn for the screen needs none
    right = await link.gives(link.digits)
    assert (right.status_code, right.headers["location"]) == (303, f"{link.path}/original")
    assert (await link.gives(link.digits)).status_code == 422  # each counts once
    original = await link.gets("/original")
    assert original.content.startswith(b"%PDF-")
    assert original.headers["content-length"] == str(len(original.content))
    assert 'name="code"' not in (await link.gets()).text
    downloads = await rows(house, "SELECT 1 FROM audit WHERE action = 'paper.downloaded'")
    assert len(downloads) == 2


async def test_nobody_else_gives_digits(opened: Opened) -> None:
    house, code = opened.house, opened.digits
    async with httpx.AsyncClient(base_url=house.url, timeout=20) as stranger:
        said = {"origin": house.url}
        answer = await stranger.post(f"{opened.path}/original", data={"code": code}, headers=said)
        assert answer.status_code == 404
    assert (await opened.gives(code, origin="https://evil.example")).status_code == 404
