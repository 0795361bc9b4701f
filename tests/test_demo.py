"""`make run`: what lies ready when the demo starts, and what stays when it starts again."""

from datetime import timedelta
from pathlib import Path

from bot.times import local_date
from handlers.documents.campaigns import every, open_for
from storage.people import by_index, national_id_index
from tests.cast import MALEE, SOMCHAI
from tests.command import kp7
from tests.house import House, a_house
from tests.security.tools import rows


async def owed(house: House, national_id: str) -> object:
    kp7 = house.kp7
    async with kp7.database.read() as tx:
        person = await by_index(tx, kp7.vault, national_id_index(kp7.vault, national_id))
        assert person
        return (await open_for(tx, kp7.vault, [person.id])).get(person.id)


async def test_sample_people_owe_papers_in_four_weeks(tmp_path: Path) -> None:
    async with a_house(tmp_path, samples=False, demo=True) as house:
        async with house.kp7.database.read() as tx:
            [(campaign, people)] = await every(tx, "Asia/Bangkok")
        assert people == 20
        due = local_date(house.clock(), "Asia/Bangkok") + timedelta(weeks=4)
        assert (campaign.terms.due, campaign.terms.upstream_due) == (due, due + timedelta(weeks=1))
        assert await owed(house, SOMCHAI.national_id)
        assert await owed(house, MALEE.national_id) is None


async def test_malee_acts_for_hr_by_an_order_until_that_is_revoked(tmp_path: Path) -> None:
    async with a_house(tmp_path, samples=False, demo=True) as house:
        [row] = before = await rows(house, "SELECT * FROM grants")
        assert (row["role"], row["scope"], row["below"], row["granted_by"]) == ("unit_hr", "D01", 1, "demo")
        assert (await kp7(house, "officer", "revoke", MALEE.national_id))[0] == 0
        await house.restart()
        [after] = await rows(house, "SELECT * FROM grants")
        assert after["ended_why"] == "revoked"
        assert after["id"] == before[0]["id"]


async def test_another_start_changes_nothing_even_after_days_or_the_end(tmp_path: Path) -> None:
    async with a_house(tmp_path, samples=False, demo=True) as house:
        for ended in (False, True):
            [campaign] = before = await rows(house, "SELECT * FROM campaigns")
            listed = await rows(house, "SELECT * FROM listed ORDER BY person_id")
            house.clock.forward(days=40)
            await house.restart()
            assert await rows(house, "SELECT * FROM campaigns") == before
            assert await rows(house, "SELECT * FROM listed ORDER BY person_id") == listed
            if not ended:
                assert (await kp7(house, "campaign", "close", campaign["id"]))[0] == 0
