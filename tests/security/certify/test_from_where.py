"""Only our own page presses and signs, over the cookie of this browser."""

import re

import httpx
import pytest

from bot.app import web_app
from tests.cast import SOMCHAI
from tests.house import Chat, House
from tests.security.certify.tools import GONE, NOBODYS, jobs_in
from tests.signing import Phone, link

ELSEWHERE = ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"},
             {"origin": "null"})  # fmt: skip


@pytest.mark.parametrize("headers", ELSEWHERE, ids=str)
async def test_no_other_site_presses_or_signs(
    house: House, somchai: Chat, phone: Phone, headers: dict[str, str]
) -> None:
    path = await link(house, SOMCHAI)
    assert GONE in (await phone.presses(path, **headers)).text
    await phone.opens(path)
    assert (await phone.signs(path, **headers)).json()["message"] == GONE
    assert await jobs_in(house) == 0
    assert (await phone.signs(path, origin=house.kp7.settings.address)).status_code == 200


async def test_who_comes_from_another_site_comes_again_with_the_cookie(
    house: House, somchai: Chat, phone: Phone
) -> None:
    """LINE in a browser: the link is on another site, and the cookie stays behind. A made-up one is treated alike."""
    path = await link(house, SOMCHAI)
    await phone.opens(path)
    async with Phone(house, **{"sec-fetch-site": "cross-site"}) as elsewhere:
        answers = [await elsewhere.looks(each) for each in (path, NOBODYS)]
    assert answers[0].content == answers[1].content
    assert "refresh" in answers[0].text


async def test_the_cookie_and_the_page_are_for_this_browser_only(house: House, somchai: Chat, phone: Phone) -> None:
    path = await link(house, SOMCHAI)
    cookie = (await phone.presses(path)).headers["set-cookie"]
    assert re.match(r"kp7-certify-[\w-]{16}=[\w-]{43}; HttpOnly; Max-Age=1800; Path=/; SameSite=strict", cookie)
    page = await phone.looks(path)
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-frame-options"] == "DENY"
    assert "script-src 'self'" in page.headers["content-security-policy"]
    # older browsers tell of a form only its origin, and not even that under `no-referrer`
    assert page.headers["referrer-policy"] == "same-origin"
    assert not re.search(r"<script(?![^>]* (src|type=\"application/json\"))| style=| on\w+=", page.text)
    assert path.removeprefix("/certify/") not in page.text


async def test_over_https_the_cookie_belongs_to_this_host(house: House, somchai: Chat) -> None:
    """Behind a proxy, which speaks https for it."""
    path = await link(house, SOMCHAI)
    object.__setattr__(house.kp7.policy.settings, "public_url", "https://kp7.example.go.th")
    transport = httpx.ASGITransport(web_app(house.kp7))
    async with httpx.AsyncClient(transport=transport, base_url="https://kp7.example.go.th") as client:
        cookie = (await client.post(path)).headers["set-cookie"]
        assert re.match(r"__Host-kp7-certify-[\w-]{16}=.*; Path=/; SameSite=strict; Secure$", cookie)
        assert "สมชาย" in (await client.get(path)).text
