"""What officers see and decide, against those who should not, and against each other."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pyotp
import pytest

from bot.events import Invalid
from bot.times import local_date
from handlers.organisation import authority
from handlers.organisation.authority import grant_mac
from handlers.organisation.roles import Role
from handlers.review import deciding, queue
from handlers.review.deciding import Decision
from handlers.review.prompts import SETTLES
from handlers.review.queue import Item
from storage.ids import new_id
from storage.people import national_id_index
from storage.seals import CHECKS
from tests.cast import ANAN, MALEE, SOMCHAI
from tests.house import Chat, House, a_house
from tests.journeys.reviewing import in_office_hours, proves, the_clock_strikes
from tests.officers import grant, officer, revoke, who
from tests.sealing import sealed
from tests.security.tools import rows
from tests.waiting import paper_waits

OFFICERS = 64


@pytest.fixture
async def both(tmp_path: Path, database_url: str) -> AsyncIterator[House]:
    async with a_house(tmp_path, database_url=database_url) as house:
        yield house


@pytest.fixture
async def desk(house: House) -> tuple[House, Chat, pyotp.TOTP, Item]:
    return await at_work(house)


async def at_work(house: House) -> tuple[House, Chat, pyotp.TOTP, Item]:
    """Malee at work, with Somchai's card before her: one thing waits."""
    in_office_hours(house)
    malee = await house.somebody()
    totp = await officer(house, MALEE.national_id)
    await malee.logs_in(MALEE.national_id, MALEE.email)
    item = await paper_waits(house, await who(house, SOMCHAI.national_id))
    heard = len(malee.screens)
    house.clock.forward(seconds=SETTLES / 1000 + 1)
    await the_clock_strikes(house)
    await malee.hears(heard + 1)
    malee.sees("prompt.one", "describe.unmarked")
    return house, malee, totp, item


async def looks(house: House, path: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=20) as client:
        return await client.get(house.url + path)


async def test_of_many_officers_at_once_one_decides_and_the_others_hear_who(both: House) -> None:
    kp7, now = both.kp7, both.clock()
    item = await paper_waits(both, await who(both, SOMCHAI.national_id))
    async with kp7.database.read() as tx:
        crowd = await tx.all(
            "SELECT id FROM people WHERE status = 'active' AND id <> :owner ORDER BY id LIMIT :n",
            {"owner": item.owner, "n": OFFICERS},
        )
    await grant(both, MALEE.national_id)
    async with kp7.database.write() as tx:
        (first,) = await tx.all("SELECT * FROM grants")
        homes = {
            row["id"]: row["organisation_code"] for row in await tx.all("SELECT id, organisation_code FROM people")
        }
        for one in crowd:
            row = {**first, "id": new_id(), "person_id": one["id"], "home": homes[one["id"]] or ""}
            row["mac"] = grant_mac(kp7.vault, row)
            await tx.run(f"INSERT INTO grants ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})", row)

    async def decides(nth: int, person: str) -> str:
        wanted = ("approve", "return")[nth % 2]
        decision = Decision(item.id, item.seen, wanted, "blurred" if nth % 2 else "")  # type: ignore[arg-type]
        try:
            async with kp7.database.write() as tx:
                decided = await deciding.decide(
                    tx, kp7.vault, kp7.settings, person, decision, by=f"web:{person}", now=now
                )  # fmt: skip
        except Invalid as wrong:
            return wrong.code if wrong.params["officer"] and wrong.params["time"] else "nobody says who"
        return f"won, {len(decided.entries)} told"

    said = await asyncio.gather(*(decides(nth, one["id"]) for nth, one in enumerate(crowd)))
    given = await rows(both, "SELECT verdict FROM verdicts")
    assert len(given) == 1
    assert sorted(said) == sorted(["won, 1 told", *[f"item_{given[0]['verdict']}"] * (OFFICERS - 1)])


async def test_a_card_is_decided_by_one_press_and_then_its_pictures_are_gone(
    desk: tuple[House, Chat, pyotp.TOTP, Item],
) -> None:
    house, malee, totp, _ = desk
    card = malee.screen
    path = card["pictures"][0]
    picture = await looks(house, path)
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert picture.headers["cache-control"] == "private, no-store"
    for wrong in (path[:-1] + ("a" if path[-1] != "a" else "b"), path.replace(".1.", ".2.", 1), "/f/r/x", path + "0"):
        assert (await looks(house, wrong)).status_code == 404
    approve = card.data(house.kp7.texts("th", "choice.decide_approve"))
    await malee.presses_data(approve)
    await proves(malee, totp)
    malee.sees("review.approved")
    assert (await looks(house, path)).status_code == 404
    await malee.presses_data(approve)
    malee.sees("error.item_approved")
    await malee.presses_data(card.data(house.kp7.texts("th", "choice.decide_return")))
    malee.sees("error.item_approved")
    assert [row["verdict"] for row in await rows(house, "SELECT * FROM verdicts")] == ["approved"]


async def test_whoever_loses_the_role_is_powerless_at_once(desk: tuple[House, Chat, pyotp.TOTP, Item]) -> None:
    house, malee, totp, _ = desk
    card = malee.screen
    await malee.presses_data(card.data(house.kp7.texts("th", "act.open_item")))
    await proves(malee, totp)
    page = malee.sees("ask.review_open")
    link = next(button["link"] for button in page["buttons"] if button["link"])
    async with httpx.AsyncClient(timeout=20) as browser:
        assert "img" not in (await browser.get(house.url + link)).text.replace('<img src="/static', "")
        origin = {"origin": house.url}
        assert (await browser.post(house.url + link, headers={"origin": "https://evil.example"})).status_code == 404
        assert (await browser.post(house.url + link, headers=origin)).status_code == 303
        shown = await browser.get(house.url + link)
        assert f"{link}/pages/2" in shown.text
        assert SOMCHAI.name in shown.text
        assert (await browser.get(f"{house.url}{link}/pages/1")).headers["content-type"] == "image/jpeg"
        assert (await browser.get(f"{house.url}{link}/pages/3")).status_code == 404
        original = await browser.get(f"{house.url}{link}/original")
        assert original.content.startswith(b"%PDF-")
        assert original.headers["content-disposition"] == 'attachment; filename="01-id_card.pdf"'
        assert original.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in original.headers["content-security-policy"]
        for thief in (
            await looks(house, link),
            await looks(house, f"{link}/pages/1"),
            await looks(house, f"{link}/original"),
        ):
            assert thief.status_code == 404
        lines = [row["action"] for row in await rows(house, "SELECT action FROM audit ORDER BY seq")]
        assert [line for line in lines if line.startswith("paper.")] == ["paper.seen", "paper.downloaded"]

        await revoke(house, MALEE.national_id)
        for rest in ("", "/pages/1", "/original"):
            assert (await browser.get(house.url + link + rest)).status_code == 404
    assert (await looks(house, card["pictures"][0])).status_code == 404
    await malee.presses_data(card.data(house.kp7.texts("th", "choice.decide_approve")))
    malee.sees("error.not_officer")
    assert await rows(house, "SELECT 1 FROM verdicts") == []


async def test_nobody_judges_their_own_papers_nor_those_of_another_department(house: House) -> None:
    in_office_hours(house)
    malee = await house.somebody()
    totp = await officer(house, MALEE.national_id)
    await malee.logs_in(MALEE.national_id, MALEE.email)
    await paper_waits(house, await who(house, MALEE.national_id))
    await paper_waits(house, await who(house, ANAN.national_id))
    house.clock.forward(seconds=SETTLES / 1000 + 1)
    heard = len(malee.screens)
    await the_clock_strikes(house)
    assert len(malee.screens) == heard, malee.screen.text
    await malee.taps("menu.review")
    await proves(malee, totp)
    malee.sees("review.none")


@pytest.mark.parametrize("role", ["department_officer", "central_admin"])
async def test_whose_role_decides_nothing_is_told_so(house: House, role: Role) -> None:
    malee = await house.somebody()
    await officer(house, MALEE.national_id, role)
    await malee.logs_in(MALEE.national_id, MALEE.email)
    await paper_waits(house, await who(house, SOMCHAI.national_id))
    await malee.taps("menu.review")
    malee.sees("review.not_of_this_role")
    await malee.taps("menu.desk")
    malee.sees("ask.desk" if role == "department_officer" else "review.not_of_this_role")


async def test_prompts_keep_quiet_at_night_and_for_a_while(tmp_path: Path) -> None:
    async with a_house(tmp_path, channel="line") as house:
        _, malee, _, _ = await at_work(house)
        heard = len(malee.screens)
        await paper_waits(house, await who(house, SOMCHAI.national_id), slot="house", ago=0)
        await the_clock_strikes(house)
        assert len(malee.screens) == heard  # told a moment ago
        house.clock.forward(hours=11)  # 21 o'clock
        await the_clock_strikes(house)
        assert len(malee.screens) == heard
        house.clock.forward(hours=13)
        await the_clock_strikes(house)
        await malee.hears(heard + 1)
        malee.sees("prompt.digest")  # and no name, no picture: nobody has been at this chat for a day
        assert SOMCHAI.name not in malee.screen.text


async def test_whoever_lets_somebody_in_judges_none_of_their_papers(both: House) -> None:
    """Else one officer could confirm herself as a colleague, and be both; and nobody vouches for who holds a role."""
    kp7, now = both.kp7, both.clock()
    somchai, malee, anan = [await who(both, one.national_id) for one in (SOMCHAI, MALEE, ANAN)]
    for one in (MALEE, ANAN):
        await grant(both, one.national_id)
    await grant(both, ANAN.national_id, scope="D02")
    item = await paper_waits(both, somchai)
    await both.somebody()
    (account,) = await rows(both, "SELECT id, key_id FROM accounts")
    insert = (
        "INSERT INTO identity_checks (id, reference, account_id, id_index, key_id, claim, why, asked_at, decided_at, "
        "decided_by, verdict) VALUES (:id, :id, :account, :index, :key, '', 'card', :now, :then, :by, :verdict)"
    )
    checks = ((somchai, now, f"web:{malee.id}", "confirmed"), (malee, None, None, None))
    async with kp7.database.write() as tx:
        for person, then, by, verdict in checks:
            index = national_id_index(kp7.vault, person.profile["national_id"])
            row = {"id": new_id(), "account": account["id"], "key": account["key_id"], "index": index, "now": now}
            await tx.run(insert, {**row, "then": then, "by": by, "verdict": verdict})
            await sealed(tx, kp7.vault, CHECKS, row["id"])
    decision = Decision(item.id, item.seen, "approve")
    with pytest.raises(Invalid, match="same_officer"):
        async with kp7.database.write() as tx:
            await deciding.decide(tx, kp7.vault, both.settings, malee.id, decision, by=f"web:{malee.id}", now=now)
    async with kp7.database.write() as tx:
        found = await authority.officer(tx, kp7.vault, anan.id, local_date(now, both.settings.timezone))
        assert found
        assert {one.kind for one in await queue.waiting(tx, kp7.vault, found)} == {"paper"}
        done = await deciding.decide(tx, kp7.vault, both.settings, anan.id, decision, by=f"web:{anan.id}", now=now)
    assert done.verdict == "approved"
