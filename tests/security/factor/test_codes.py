"""Codes of the second factor: once each, a few guesses, and the same answer to a right one from whoever is locked."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pyotp
import pytest

from bot.events import Invalid
from handlers.organisation import factors
from storage import audit
from storage.database import retried
from tests.cast import MALEE
from tests.house import a_house
from tests.security.factor.tools import Authenticator
from tests.security.tools import change, rows


@pytest.fixture
async def malees(tmp_path: Path, database_url: str) -> AsyncIterator[Authenticator]:
    files = (tmp_path / "files").as_uri()
    async with a_house(tmp_path, database_url=database_url, files_url=files, timezone="Asia/Bangkok") as house:
        yield await Authenticator.of(house, MALEE)


async def test_a_code_is_taken_once_and_none_before_it(malees: Authenticator) -> None:
    """This step's, the one before and the one after; but never one that is not later than the last."""
    early, now, late = (malees.code(seconds) for seconds in (-30, 0, 30))
    assert await malees.tries(malees.code(-60)) == "factor_wrong"
    assert await malees.tries(malees.code(60)) == "factor_wrong"
    assert await malees.tries(now) == "right"
    assert await malees.tries(now) == "factor_used"
    assert await malees.tries(early) == "factor_used"
    assert await malees.tries(late) == "factor_locked"  # four that did not do, and one in setting up


async def test_of_many_right_answers_at_once_one_wins(malees: Authenticator) -> None:
    code = malees.code()
    said = Counter(await asyncio.gather(*(malees.tries(code) for _ in range(64))))
    assert said["right"] == 1
    assert said["factor_used"] <= malees.house.settings.factor_guesses
    assert said.total() == said["right"] + said["factor_used"] + said["factor_locked"]


async def test_wrong_ones_are_few_and_counted_before_they_are_compared(malees: Authenticator) -> None:
    """And who is locked hears the same of a right one, for a quarter of an hour."""
    said = Counter(await asyncio.gather(*(malees.tries(malees.wrong(turn)) for turn in range(32))))
    assert said == {"factor_wrong": 4, "factor_locked": 28}  # one was wrong before
    assert await malees.tries(malees.code()) == "factor_locked"
    malees.house.clock.forward(minutes=14)
    assert await malees.tries(malees.code()) == "factor_locked"
    malees.house.clock.forward(minutes=2)
    assert await malees.tries(malees.code()) == "right"


async def test_twenty_wrong_ones_are_a_day_and_a_hundred_in_a_row_the_end(malees: Authenticator) -> None:
    said = Counter[str]()
    for turn in range(24):
        said[await malees.tries(malees.wrong(turn))] += 1
        malees.house.clock.forward(minutes=4)
    assert said == {"factor_wrong": 19, "factor_locked": 5}
    assert await malees.tries(malees.code()) == "factor_locked"
    malees.house.clock.forward(hours=25)
    await change(malees.house, "UPDATE second_factors SET failures = 99")
    assert await malees.tries(malees.wrong()) == "factor_wrong"
    assert await malees.tries(malees.code()) == "factor_disabled"


async def test_a_clock_that_was_moved_makes_no_used_code_good_again(malees: Authenticator) -> None:
    used = malees.code()
    assert await malees.tries(used) == "right"
    malees.house.clock.forward(minutes=-10)
    assert await malees.tries(malees.code()) == "factor_used"
    malees.house.clock.forward(minutes=10)
    assert await malees.tries(used) == "factor_used"
    malees.house.clock.forward(hours=1)
    assert await malees.tries(used) == "factor_wrong"
    assert await malees.tries(malees.code()) == "right"


@pytest.mark.parametrize("edit", ["step = 0", "mac = ''", "secret = 'x'", "confirmed_at = confirmed_at - 1"])
async def test_whoever_writes_the_database_makes_no_code_good_again(malees: Authenticator, edit: str) -> None:
    code = malees.code()
    assert await malees.tries(code) == "right"
    await change(malees.house, f"UPDATE second_factors SET {edit}")
    assert await malees.tries(code) == "factor_missing"


async def test_what_was_shown_and_not_confirmed_is_no_factor(malees: Authenticator) -> None:
    """It is made anew each time; the factor that there is, is not."""
    house, person = malees.house, malees.person
    kp7, now = house.kp7, house.clock()
    async with kp7.database.write() as tx:
        assert await factors.begin(tx, kp7.vault, person.id, person.key, now) is None
        assert await factors.reset(tx, person.id)
        assert not await factors.reset(tx, person.id)
        await audit.append(tx, kp7.vault, now, [audit.Line("cli:somsri", factors.RESET, person.id)])
        first, second = [await factors.begin(tx, kp7.vault, person.id, person.key, now) for _ in range(2)]
    assert first
    assert second
    assert first != second
    assert len(second) == 32
    assert await malees.tries(pyotp.TOTP(second).at(now // 1000)) == "factor_missing"

    @retried
    async def confirms(secret: str) -> str:
        async with kp7.database.write() as tx:
            code = pyotp.TOTP(secret).at(house.clock() // 1000)
            try:
                await factors.confirm(
                    tx, kp7.vault, house.settings, person.id, person.key, code, house.clock(), by=f"web:{person.id}"
                )
            except Invalid as wrong:
                return wrong.code
        return "right"

    assert [await confirms(secret) for secret in (first, second, second)] == ["factor_wrong", "right", "factor_missing"]


async def test_the_secret_is_sealed(malees: Authenticator) -> None:
    (row,) = await rows(malees.house, "SELECT * FROM second_factors")
    assert malees.totp.secret not in str(row)
