"""The review desk opens for an officer who has proved the second factor, in one browser, and shows and takes nothing
else (WEB1, SES1-3, AZ1-2, FILE3)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import thai
from handlers.organisation import grants
from storage.seals import ORGANISATIONS
from tests.cast import ANAN, MALEE, SOMCHAI
from tests.desks import JPEG, Browser, chats, link, sits, waits
from tests.house import House, a_house
from tests.journeys.reviewing import the_clock_strikes
from tests.officers import officer, revoke
from tests.sealing import sealed
from tests.security.tools import change, person, rows
from tests.signing import CAMPAIGN
from tests.waiting import campaign
from tests.waiting import waits as asks

NOBODYS = "/console/enter/" + "x" * 43
APIS = ("/console/api/queue", "/console/api/items/" + "0" * 26)


@pytest.fixture
async def house(tmp_path: Path, database_url: str) -> AsyncIterator[House]:
    """On either database: here a conflict, a lock or a count would make a difference."""
    async with a_house(tmp_path, database_url=database_url) as found:
        yield found


@pytest.fixture
async def malee(house: House) -> AsyncIterator[Browser]:
    """At the desk, as HR officer of D01 and what is below it."""
    async with Browser(house) as browser:
        browser.totp = await sits(house, browser)
        yield browser


async def is_out(browser: Browser) -> None:
    for path in APIS:
        answer = await browser.gets(path)
        assert (answer.status_code, list(answer.json())) == (401, ["message"])
    page = await browser.gets("/console")
    assert page.status_code == 401
    assert "กรุณากลับไปที่แชต" in page.text


async def test_an_officer_judges_what_was_seen(house: House, malee: Browser) -> None:
    first, second = await waits(house), await waits(house, slot="id_card")
    listed = (await malee.gets("/console/api/queue")).json()
    assert [item["id"] for item in listed["items"]] == [first, second]
    assert listed["waiting"] == 2
    item = await malee.item(first)
    facts = {fact["key"]: fact["value"] for fact in item["facts"]}
    assert facts["name"] == "นายสมชาย ทดสอบ"
    assert facts["national_id"] == "x-xxxx-xxxxx-01-3"
    assert SOMCHAI.national_id not in str(item)
    picture = await malee.gets(f"/console/api/items/{first}/pages/2?ticket={item['ticket']}")
    assert picture.content.startswith(JPEG)
    original = await malee.gets(f"/console/api/items/{first}/original?ticket={item['ticket']}")
    assert original.content.startswith(b"%PDF")
    assert original.headers["content-disposition"] == 'attachment; filename="07b-entry_transcript.pdf"'
    assert "sandbox" in original.headers["content-security-policy"]
    assert original.headers["x-content-type-options"] == "nosniff"
    shown = await malee.posts(f"/console/api/items/{first}/national-id", {"ticket": item["ticket"]})
    assert shown.json() == {"national_id": "1-9999-00000-01-3"}
    assert (await malee.judges(item)).json() == {"verdict": "approved"}
    other = await malee.item(second)
    why = await malee.judges(other, "return", reason="other", words="กลับหัว")
    assert why.json() == {"verdict": "returned"}
    again = await malee.judges(other)
    assert again.status_code == 409
    assert "มาลี" in again.json()["message"]  # who was faster is told
    said = [
        row["action"] for row in await rows(house, "SELECT action FROM audit WHERE actor LIKE 'desk:%' ORDER BY seq")
    ]
    assert said == [
        "desk.entered", "queue.listed", "item.shown", "paper.downloaded", "person.id_shown", "paper.approved",
        "item.shown", "paper.returned",
    ]  # fmt: skip


async def test_an_officers_words_are_cleaned_as_in_a_chat(house: House, malee: Browser) -> None:
    id = await waits(house)
    words = "\u202eไม่ชัด\u200b\tมาก "
    judged = await malee.judges(await malee.item(id), "return", reason="other", words=words)
    assert judged.status_code == 200, judged.text
    [row] = await rows(house, "SELECT * FROM verdicts")
    key = (await person(house, SOMCHAI)).key
    assert key.open(row["detail"], "verdicts", row["id"], "detail")["words"] == thai.clean(words)
    assert thai.clean(words) != words.strip()


async def test_a_reason_must_be_one(house: House, malee: Browser) -> None:
    item = await malee.item(await waits(house))
    for more in (
        {},
        {"reason": "invented"},
        {"reason": "other", "words": "  "},
        {"reason": "blurred", "words": "ก" * 501},
    ):
        assert (await malee.judges(item, "return", **more)).status_code == 422
    assert (await malee.judges(item, "confirm")).status_code == 409  # not of a paper
    assert (await malee.judges({**item, "seen": "00000000"})).status_code == 409
    assert await rows(house, "SELECT 1 FROM verdicts") == []


async def test_other_units_and_ones_own_papers_do_not_exist(house: House, malee: Browser) -> None:
    """Another department's, one's own, and ids beside a real one are the same 404 as one that never was."""
    mine, theirs = await waits(house), await waits(house, ANAN)
    own = await waits(house, MALEE)
    item = await malee.item(mine)
    beside = mine[:-1] + ("0" if mine[-1] != "0" else "1")
    invented = await malee.gets(f"/console/api/items/{'0' * 26}")
    assert invented.status_code == 404
    for id in (theirs, own, beside, "..", "%2e%2e%2f", "0" * 27):
        for method, tail in (
            ("GET", ""),
            ("GET", f"/pages/1?ticket={item['ticket']}"),
            ("GET", f"/original?ticket={item['ticket']}"),
        ):
            answer = await malee.client.request(method, f"/console/api/items/{id}{tail}")
            assert answer.status_code == 404
            if len(id) == 26:
                assert answer.content == invented.content
        refused = await malee.posts(
            f"/console/api/items/{id}/verdict",
            {"seen": item["seen"], "verdict": "approve", "reason": "", "words": "", "sure": ""},
        )
        assert refused.status_code in (404, 409)
        assert "อนันต์" not in refused.text
    assert [row["id"] for row in (await malee.gets("/console/api/queue")).json()["items"]] == [mine]
    assert (await malee.gets("/console/api/queue?unit=D0201")).json()["items"] == []
    assert await rows(house, "SELECT 1 FROM verdicts") == []


async def test_a_page_opens_with_the_ticket_of_this_seat_item_and_version(house: House, malee: Browser) -> None:
    one, other = await waits(house), await waits(house, slot="id_card")
    ticket, others = (await malee.item(one))["ticket"], (await malee.item(other))["ticket"]
    path = f"/console/api/items/{one}/pages/1?ticket="
    assert (await malee.gets(path + ticket)).status_code == 200
    for wrong in ("", others, ticket[:-1], ticket + "0", "x" * 64, "ก" * 64):
        assert (await malee.gets(path + wrong)).status_code == 404
    for page in ("0", "3", "-1", "999", "1.0", "๑", "01"):
        assert (await malee.gets(f"/console/api/items/{one}/pages/{page}?ticket={ticket}")).status_code == 404
    async with Browser(house) as second:  # of the same officer
        house.clock.forward(minutes=1)
        await second.enters(await link(house), malee.totp)
        assert (await second.gets(path + ticket)).status_code == 404
    await change(house, "UPDATE papers SET version = version + 1")
    assert (await malee.gets(path + ticket)).status_code == 404


async def test_another_site_sends_nothing_here(house: House, malee: Browser) -> None:
    item = await malee.item(await waits(house))
    path = f"/console/api/items/{item['id']}/verdict"
    said = {"seen": item["seen"], "verdict": "approve", "reason": "", "words": "", "sure": ""}
    for site in ("cross-site", "same-site"):
        for each in (path, "/console/leave", "/console/language/en", "/console/proof"):
            assert (await malee.posts(each, said, **{"sec-fetch-site": site})).status_code == 403
    del malee.client.headers["sec-fetch-site"]
    assert (await malee.posts(path, said, origin="https://evil.example")).status_code == 403
    assert (await malee.posts(path, said, origin="null")).status_code == 403
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        answer = await malee.client.post(path, content=b'{"seen":1}', headers={"content-type": kind})
        assert answer.status_code == 415
    for body in (b"", b"[]", b"{}", b'{"seen":"a","seen":"a"}', b"\xff", b"[" * 100, b"x" * 20_000):
        answer = await malee.client.post(path, content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 413)
    for wrong in (
        {**said, "more": "x"},
        {**said, "reason": None},
        {**said, "sure": True},
        {**said, "verdict": "waive"},
    ):
        assert (await malee.posts(path, wrong)).status_code == 400
    assert await rows(house, "SELECT 1 FROM verdicts") == []
    assert (await malee.judges(item)).status_code == 200


async def test_filters_take_nothing_else(malee: Browser) -> None:
    for wrong in ("unit='", "unit=" + "D" * 21, "kind=all", "paper=%25", "days=1", "days=x", "after=1", "after=1.%00"):
        assert (await malee.gets(f"/console/api/queue?{wrong}")).status_code == 400
    for right in ("unit=D0103&kind=paper&paper=child&days=7", "paper=father.death"):
        assert (await malee.gets(f"/console/api/queue?{right}")).json() == {"items": [], "more": False, "waiting": 0}


async def test_what_people_wrote_is_text(house: House, malee: Browser) -> None:
    """In the page and what its scripts get; that they put it in as text is in `tests/browser/test_desk_page.py`."""
    await change(house, "UPDATE organisations SET name_th = '<script>alert(1)</script>' WHERE code = 'D0101'")
    async with house.kp7.database.write() as tx:
        await sealed(tx, house.kp7.vault, ORGANISATIONS, "D0101")
    page = await malee.gets("/console")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


async def test_who_has_no_seat_learns_nothing(house: House) -> None:
    await waits(house)
    async with Browser(house) as stranger:
        await is_out(stranger)
        page = await stranger.gets("/console")
        for path in ("/console/progress", NOBODYS):
            answer = await stranger.gets(path)
            assert (answer.status_code, answer.content) == (401, page.content)
        for cookie in ("", "x" * 43, "x" * 4000):
            answer = await stranger.gets("/console/api/queue", cookie=f"kp7-desk={cookie}")
            assert answer.status_code == 401
        for path in (f"{APIS[1]}/verdict", "/console/proof", f"{NOBODYS}/code"):
            assert (await stranger.posts(path, {})).status_code == 401


async def test_a_link_is_for_the_first_browser_and_once(house: House) -> None:
    totp = await officer(house, MALEE.national_id)
    await chats(house)
    path = await link(house)
    async with Browser(house) as hers, Browser(house) as thief:
        assert (await thief.gets(path)).status_code == 200  # who only looks takes nothing
        assert "มาลี" not in (await thief.gets(path)).text
        assert (await hers.client.post(path)).status_code == 303
        assert (await thief.client.post(path)).status_code == 401
        assert (await thief.gets(path)).status_code == 401
        code = totp.at(house.clock() // 1000)
        assert (await thief.posts(f"{path}/code", {"code": code})).status_code == 401
        wrong = await hers.posts(f"{path}/code", {"code": "000000" if code != "000000" else "111111"})
        assert wrong.status_code == 422
        await is_out(hers)
        entered = await hers.posts(f"{path}/code", {"code": code})
        assert entered.status_code == 200
        assert (await hers.gets("/console")).status_code == 200
        # again: neither the link nor the code
        assert (await hers.gets(path)).status_code == 401
        assert (await hers.posts(f"{path}/code", {"code": code})).status_code == 401
        again = await link(house)
        assert (await thief.client.post(again)).status_code == 303
        assert (await thief.posts(f"{again}/code", {"code": code})).status_code == 422
        await is_out(thief)


async def test_six_digits_are_not_guessed(house: House) -> None:
    totp = await officer(house, MALEE.national_id)
    await chats(house)
    async with Browser(house) as browser:
        path = ""
        for _ in range(2):
            path = await link(house)  # a new link gives no new guesses
            assert (await browser.client.post(path)).status_code == 303
            for guess in range(3):
                answer = await browser.posts(f"{path}/code", {"code": f"00000{guess}"})
                assert answer.status_code == 422
        right = await browser.posts(f"{path}/code", {"code": totp.at(house.clock() // 1000)})
        assert right.status_code == 422
        await is_out(browser)


async def test_the_cookie(house: House) -> None:
    totp = await officer(house, MALEE.national_id)
    await chats(house)
    async with Browser(house) as browser:
        browser.client.cookies.set("kp7-desk", "a" * 43)  # somebody else's choice
        entered = await browser.enters(await link(house), totp)
        set_cookie = next(c for c in entered.headers.get_list("set-cookie") if c.startswith("kp7-desk="))
        for flag in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"):
            assert flag in set_cookie
        value = set_cookie.partition("=")[2].partition(";")[0]
        assert value != "a" * 43
        (stored,) = await rows(house, "SELECT id FROM officer_sessions")
        assert value not in stored["id"]
        async with Browser(house) as fixed:
            fixed.client.cookies.set("kp7-desk", "a" * 43)
            await is_out(fixed)


async def test_who_loses_the_role_is_out_at_once(house: House, malee: Browser) -> None:
    item = await malee.item(await waits(house))
    await revoke(house, MALEE.national_id)
    assert (await malee.judges(item)).status_code == 401
    assert (await malee.gets(f"/console/api/items/{item['id']}/pages/1?ticket={item['ticket']}")).status_code == 401
    await is_out(malee)
    assert await rows(house, "SELECT 1 FROM verdicts") == []


async def test_a_seat_that_nobody_uses_is_empty(house: House, malee: Browser) -> None:
    for _ in range(3):
        house.clock.forward(minutes=14)
        assert (await malee.gets("/console/api/queue")).status_code == 200
    house.clock.forward(minutes=16)
    await is_out(malee)


async def test_a_day_ends(house: House, malee: Browser) -> None:
    for _ in range(51):
        house.clock.forward(minutes=14)
        await change(house, "UPDATE accounts SET seen_at = :now", now=house.clock())  # the chat goes on
        assert (await malee.gets("/console/api/queue")).status_code == 200
    house.clock.forward(minutes=14)
    await change(house, "UPDATE accounts SET seen_at = :now", now=house.clock())
    await is_out(malee)


async def test_it_ends_with_the_chat_and_by_its_button(house: House) -> None:
    totp = await officer(house, MALEE.national_id)
    chat = await chats(house)
    async with Browser(house) as browser:
        await browser.enters(await link(house), totp)
        cookies = dict(browser.client.cookies)
        left = await browser.client.post("/console/leave")
        assert left.status_code == 303
        browser.client.cookies.update(cookies)
        await is_out(browser)  # not only the cookie has gone
        house.clock.forward(minutes=1)
        await browser.enters(await link(house), totp)
        await chat.taps("menu.logout")
        await is_out(browser)


async def test_headers(house: House, malee: Browser) -> None:
    item = await malee.item(await waits(house))
    for path in ("/console", "/console/api/queue", f"/console/api/items/{item['id']}/pages/1?ticket={item['ticket']}"):
        answer = await malee.gets(path)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "default-src 'none'; script-src 'self'" in answer.headers["content-security-policy"]
    page = (await malee.gets("/console")).text
    assert " style=" not in page
    assert " onclick" not in page


async def test_papers_leave_only_with_fresh_digits(house: House, malee: Browser) -> None:
    await malee.judges(await malee.item(await waits(house)))
    page = await malee.gets("/console/progress")
    assert page.status_code == 200
    assert "กองแผนงานตัวอย่าง" in page.text
    assert "D0201" not in page.text
    path = f"/console/export/{CAMPAIGN}"
    assert (await malee.client.post(path, headers={"sec-fetch-site": "cross-site"})).status_code == 403
    assert (await malee.client.post("/console/export/invented")).status_code == 404
    house.clock.forward(minutes=6)
    asked = await malee.client.post(path)
    assert (asked.status_code, asked.headers["location"]) == (303, "/console/progress")
    assert (await malee.posts("/console/proof", {"code": "000000"})).status_code == 422
    assert (await malee.posts("/console/proof", {"code": malee.totp.at(house.clock() // 1000)})).status_code == 200
    archive = await malee.client.post(path)
    assert archive.headers["content-type"] == "application/zip"
    assert archive.content.startswith(b"PK")
    async with Browser(house) as stranger:
        refused = await stranger.client.post(path)
        assert (refused.status_code, b"PK" in refused.content) == (401, False)
    assert len(await rows(house, "SELECT 1 FROM audit WHERE action = 'paper.exported'")) == 1


async def test_originals_and_whole_numbers_want_fresh_digits(house: House, malee: Browser) -> None:
    """Pages that are drawn do not: four hundred papers are walked through without a pause."""
    id = await waits(house)
    house.clock.forward(minutes=6)
    item = await malee.item(id)
    path = f"/console/api/items/{id}"

    async def asks() -> list[tuple[int, bool]]:
        original = await malee.gets(f"{path}/original?ticket={item['ticket']}")
        number = await malee.posts(f"{path}/national-id", {"ticket": item["ticket"]})
        return [(original.status_code, b"%PDF" in original.content), (number.status_code, "00000" in number.text)]

    assert await asks() == [(428, False), (428, False)]
    assert (await malee.gets(f"{path}/pages/1?ticket={item['ticket']}")).content.startswith(JPEG)
    invented = f"/console/api/items/{'0' * 26}"
    assert (await malee.gets(f"{invented}/original?ticket={item['ticket']}")).status_code == 404
    assert (await malee.posts("/console/proof", {"code": "000000"})).status_code == 422
    assert await asks() == [(428, False), (428, False)]
    left = "SELECT 1 FROM audit WHERE action IN ('paper.downloaded', 'person.id_shown')"
    assert await rows(house, left) == []
    assert (await malee.posts("/console/proof", {"code": malee.totp.at(house.clock() // 1000)})).status_code == 200
    assert await asks() == [(200, True), (200, True)]
    assert len(await rows(house, left)) == 2


NOWHERE = ("%00", "%00x", "seis%00", "%ED%A0%80", "%EF%BF%BE", "%1b", "%E2%80%AE", "x" * 10_000)


@pytest.mark.parametrize("odd", NOWHERE)
async def test_odd_addresses_lead_nowhere(malee: Browser, odd: str) -> None:
    """Fresh digits, so that each gets as far as it ever does."""
    for path in (f"/console/export/{odd}", f"/console/language/{odd}", f"/console/enter/{odd}", f"/officer/{odd}"):
        assert (await malee.posts(path)).status_code in (303, 401, 404), path
    for path in (
        *(f"/{page}/{odd}{more}" for page in ("paper", "officer", "certify") for more in ("", "/pages/1", "/original")),
        f"/console/enter/{odd}",
        f"/console/api/items/{odd}",
        f"/console/api/items/{odd}/pages/{odd}",
        *(f"/console/api/queue?{name}={odd}" for name in ("unit", "kind", "paper", "days", "after")),
        f"/f/{odd}",
        f"/f/r/{odd}",
    ):
        assert (await malee.gets(path)).status_code in (400, 401, 404), path
    shown = await malee.gets(f"/console/progress?campaign={odd}")
    assert shown.status_code in (200, 400)  # a campaign that there is not: the latest one's page


async def test_words_are_such_as_can_be_read(house: House, malee: Browser) -> None:
    item = await malee.item(await waits(house))
    answer = await malee.judges(item, "return", reason="other", words="ขอใหม่" + "\u0301" * 400)
    assert (answer.status_code, answer.json()["message"]) == (422, house.kp7.texts("th", "error.words_piled"))
    assert (await malee.judges(item, "return", reason="other", words="ขอใหม่ค่ะ ที่นี่")).status_code == 200


async def test_whose_role_decides_nothing_sees_the_numbers(house: House) -> None:
    await waits(house)
    async with Browser(house) as browser:
        await sits(house, browser, role="department_officer")
        answer = await browser.gets("/console")
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/progress")
        assert (await browser.gets("/console/progress")).status_code == 200
        assert (await browser.gets("/console/api/queue")).json()["items"] == []


async def test_a_seat_that_was_given_up_is_not_put_back(house: House, malee: Browser) -> None:
    (old,) = await rows(house, "SELECT * FROM officer_sessions")
    names = ", ".join(old), ", ".join(f":{name}" for name in old)
    cookies = dict(malee.client.cookies)
    assert (await malee.client.post("/console/leave")).status_code == 303
    await change(house, f"INSERT INTO officer_sessions ({names[0]}) VALUES ({names[1]})", **old)
    malee.client.cookies.update(cookies)
    await is_out(malee)
    malee.client.cookies.clear()
    house.clock.forward(minutes=1)
    await malee.enters(await link(house), malee.totp)  # whoever comes in anew has another one
    assert (await malee.gets("/console/api/queue")).status_code == 200


async def test_nor_is_one_from_before_the_factor_was_reset(house: House, malee: Browser) -> None:
    (old,) = await rows(house, "SELECT * FROM officer_sessions")
    names = ", ".join(old), ", ".join(f":{name}" for name in old)
    house.clock.forward(minutes=1)
    kp7 = house.kp7
    await grants.reset_factor(kp7.database, kp7.vault, MALEE.national_id, by="cli:somsri", clock=house.clock)
    await is_out(malee)
    await change(house, f"INSERT INTO officer_sessions ({names[0]}) VALUES ({names[1]})", **old)
    await is_out(malee)


async def test_work_at_the_desk_keeps_the_web_chat_and_looking_does_not(house: House) -> None:
    totp = await officer(house, MALEE.national_id)
    await chats(house)
    async with Browser(house) as browser:
        await browser.enters(await link(house), totp)
        for _ in range(10):
            house.clock.forward(minutes=13)
            assert (await browser.gets("/console/api/queue")).status_code == 200
        await the_clock_strikes(house)
        (account,) = await rows(house, "SELECT seen_at, session FROM accounts WHERE session IS NOT NULL")
        worked = account["seen_at"]
        house.clock.forward(minutes=10)
        assert (await browser.gets("/console/api/waiting")).status_code == 200
        (account,) = await rows(house, "SELECT seen_at FROM accounts WHERE session IS NOT NULL")
        assert account["seen_at"] == worked
        house.clock.forward(minutes=6)
        await is_out(browser)
        house.clock.forward(minutes=45)
        await the_clock_strikes(house)
        assert await rows(house, "SELECT 1 FROM accounts WHERE session IS NOT NULL") == []


async def test_a_shared_chat_ends_as_soon_as_it_is_left_alone(house: House, malee: Browser) -> None:
    await change(house, "UPDATE accounts SET shared = 1")
    house.clock.forward(minutes=10)
    assert (await malee.gets("/console/api/queue")).status_code == 200
    house.clock.forward(minutes=6)
    await is_out(malee)


async def test_doing_without_a_paper_is_no_approval_of_one(house: House) -> None:
    """What would be approved is named, in the list and on the keys."""
    texts = house.kp7.texts
    async with Browser(house) as malee:
        await sits(house, malee)
        async with house.kp7.database.write() as tx:
            await campaign(tx, house.kp7.vault)
            somchai = await person(house, SOMCHAI)
            id = await asks(tx, house.kp7.vault, somchai, "waiver", house.clock())
        shown = (await malee.gets(f"/console/api/items/{id}")).json()
        (listed,) = (await malee.gets("/console/api/queue")).json()["items"]
    assert listed["title"] == shown["title"] == texts("th", "desk.waiver_of", {"paper": texts("th", "paper.id_card")})
    labels = [texts("th", f"choice.waive_{wanted}") for wanted in ("approve", "return")]
    assert [option["label"] for option in shown["options"]] == labels
