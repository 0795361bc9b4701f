"""The page shows a secret once, to one officer, in one browser; what comes back of it is the second factor."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cast import MALEE, SOMCHAI
from tests.house import House, a_house
from tests.officers import enrol, grant, revoke
from tests.security.factor.page import NOBODYS, Browser, link_on, malee_with_a_link
from tests.security.tools import change, history, on_disk, other_than, rows
from tests.signing import hand_in, link


@pytest.fixture
async def phone(house: House) -> AsyncIterator[Browser]:
    async with Browser(house) as phone:
        yield phone


async def test_nobody_else_sees_the_secret_and_it_is_shown_once(house: House, phone: Browser) -> None:
    _, path = await malee_with_a_link(house)
    for method in ("GET", "HEAD", "OPTIONS"):
        assert (await phone.client.request(method, path)).status_code in (200, 405)
    assert await rows(house, "SELECT * FROM second_factors") == []
    first = await phone.opens(path)
    await phone.client.head(path)
    async with Browser(house) as stranger:
        await stranger.is_refused(path)
    assert (await phone.confirms(path, phone.code(first))).status_code == 200
    assert (await phone.client.get(path)).text.count("ตั้งค่าเรียบร้อยแล้ว") == 1
    async with Browser(house) as stranger:
        await stranger.is_refused(path)


async def test_the_page_opened_again_shows_another_one_and_only_the_last_counts(house: House, phone: Browser) -> None:
    _, path = await malee_with_a_link(house)
    first = await phone.opens(path)
    second = await phone.looks(path)
    assert first.secret != second.secret
    assert (await phone.confirms(path, phone.code(first))).json() == {
        "message": house.kp7.texts("th", "error.factor_wrong")
    }
    assert (await phone.confirms(path, phone.code(second))).status_code == 200
    assert (await phone.confirms(path, phone.code(second, 30))).status_code == 404


async def test_headers_and_cookie(house: House, phone: Browser) -> None:
    _, path = await malee_with_a_link(house)
    cookie = (await phone.client.post(path)).headers["set-cookie"]
    assert re.match(r"kp7-factor-[\w-]{16}=[\w-]{43}; HttpOnly; Max-Age=1800; Path=/; SameSite=strict", cookie)
    page = await phone.client.get(path)
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-frame-options"] == "DENY"
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "same-origin"
    assert not re.search(r"<script(?![^>]* src)| style=| on\w+=", page.text)
    assert path.removeprefix("/officer/") not in page.text
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        assert (await phone.client.post(path, headers=headers)).status_code == 404
        assert (await phone.confirms(path, "123456", **headers)).status_code == 404


async def test_the_secret_is_in_no_chat_no_log_and_not_in_plain_on_the_disk(
    house: House, phone: Browser, capfd: pytest.CaptureFixture[str]
) -> None:
    malee, path = await malee_with_a_link(house)
    totp = await phone.opens(path)
    assert (await phone.confirms(path, phone.code(totp))).status_code == 200
    await malee.taps("choice.factor_done")
    malee.sees("factor.ready")
    said = "".join(capfd.readouterr()) + await history(malee) + str(malee.screens)
    assert totp.secret not in said
    assert path.removeprefix("/officer/") not in "".join(capfd.readouterr())
    assert totp.secret.encode() not in on_disk(house)
    (line,) = await rows(house, "SELECT * FROM audit WHERE action = 'factor.set_up'")
    assert line["subject"] == line["actor"].partition(":")[2]
    assert "detail" in line
    assert line["detail"] == "{}"


async def test_it_is_over_with_the_role_the_session_and_the_half_hour(house: House, phone: Browser) -> None:
    malee, path = await malee_with_a_link(house)
    await phone.opens(path)
    await revoke(house, MALEE.national_id)
    await phone.is_refused(path)
    await grant(house, MALEE.national_id)
    await phone.looks(path)
    await malee.taps("choice.new_link")
    later = link_on(malee)
    house.clock.forward(minutes=31)
    await phone.is_refused(path)
    await phone.is_refused(later)
    house.clock.forward(minutes=-31)
    await malee.says("ออกจากระบบ")
    await phone.is_refused(path)
    await phone.is_refused(later)


async def test_no_link_to_another_page_opens_this_one_nor_this_one_for_whoever_has_a_factor(
    house: House, phone: Browser
) -> None:
    malee, path = await malee_with_a_link(house)
    await hand_in(house, MALEE)
    other = (await link(house, MALEE)).replace("/certify/", "/officer/")
    await phone.is_refused(other)
    await phone.opens(path)
    await change(house, "DELETE FROM second_factors")
    await enrol(house, MALEE.national_id)
    await phone.is_refused(path)
    await malee.taps("choice.new_link")
    malee.sees("error.factor_enrolled")


async def test_who_is_no_officer_comes_to_no_page(house: House) -> None:
    somchai = await house.somebody()
    await somchai.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    assert house.kp7.texts("th", "menu.second_factor") not in somchai.screen.labels
    await somchai.says("second factor")
    somchai.sees("error.not_offered")


BODIES = (
    b"",
    b'{"code": "123456\\u0000"}',
    b"[]",
    b'{"code": 123456}',
    b'{"code": "1", "code": "2"}',
    b"[" * 900,
    b"\xff",
    b"x" * 5_000,
)


async def test_what_no_page_of_ours_would_send(house: House, phone: Browser) -> None:
    _, path = await malee_with_a_link(house)
    totp = await phone.opens(path)
    for body in BODIES:
        assert (await phone.client.post(f"{path}/confirm", content=body)).status_code == 400
    for code in ("", "12345", "1234567", "abcdef", "²²²²²²", "9" * 500):
        assert (await phone.confirms(path, code)).status_code == 422
    assert await rows(house, "SELECT 1 FROM attempts WHERE kind = 'factor'") == []
    thai = phone.code(totp).translate(str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙"))
    assert (await phone.confirms(path, thai)).status_code == 200


async def test_guesses_are_few_here_as_well(house: House, phone: Browser) -> None:
    malee, path = await malee_with_a_link(house)
    totp = await phone.opens(path)
    house.clock.forward(seconds=35 - house.clock() // 1000 % 30)
    wrong = other_than(phone.code(totp), 77)
    answers = await asyncio.gather(*(phone.confirms(path, wrong) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {422}
    assert len(await rows(house, "SELECT 1 FROM attempts WHERE kind = 'factor'")) == house.settings.factor_guesses
    locked = (await phone.confirms(path, wrong)).content
    assert (await phone.confirms(path, phone.code(totp))).content == locked
    await malee.taps("choice.factor_done")
    malee.sees("error.factor_not_yet")


async def test_of_many_who_confirm_at_once_one_does(tmp_path: Path, database_url: str) -> None:
    async with (
        a_house(tmp_path, database_url=database_url, files_url=(tmp_path / "files").as_uri()) as house,
        Browser(house) as phone,
    ):
        _, path = await malee_with_a_link(house)
        totp = await phone.opens(path)
        answers = await asyncio.gather(*(phone.confirms(path, phone.code(totp)) for _ in range(16)))
        assert sorted({answer.status_code for answer in answers}) == [200, 404]
        assert [answer.status_code for answer in answers].count(200) == 1
        assert len(await rows(house, "SELECT 1 FROM audit WHERE action = 'factor.set_up'")) == 1


async def test_an_address_that_nobody_made(phone: Browser) -> None:
    for path in (NOBODYS, "/officer/x", "/officer/%00", "/officer/" + "x" * 5_000):
        assert (await phone.client.get(path)).status_code == 404
