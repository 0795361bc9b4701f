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


@pytest.fixture
async def link(house: House) -> AsyncIterator[Opened]:
    """In no browser's hands yet."""
    _, malee, totp, _ = await at_work(house)
    await malee.presses_data(malee.screen.data(house.kp7.texts("th", "act.open_item")))
    await proves(malee, totp)
    path = next(button["link"] for button in malee.sees("ask.review_open")["buttons"] if button["link"])
    async with httpx.AsyncClient(base_url=house.url, timeout=20) as browser:
        yield Opened(house, malee, browser, path, totp)


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
