"""What falls due by the clock, seen from another process."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.doctor import schedule
from bot.policy import Policy
from bot.pulse import Pulse
from bot.standing import Failing, Standing
from bot.times import HOUR, MINUTE, wall_clock
from storage.database import Database
from storage.vault import Vault
from tests.doctor.patients import case, findings, is_well, the_fault

Stands = Callable[[Standing | None], Awaitable[None]]


@pytest.fixture
async def stands(tmp_path: Path) -> Stands:
    """A process shows how its schedule stands."""
    patient = case(tmp_path)
    opened = await Database.open(patient.settings.database_url)
    await opened.migrate()
    await opened.close()

    async def shows(standing: Standing | None) -> None:
        database = await Database.open(patient.settings.database_url)
        vault = Vault(patient.settings.master)
        await Pulse(database, vault, Policy(patient.settings, wall_clock), lambda: standing).once()
        await database.close()

    return shows


async def test_all_is_well(stands: Stands, tmp_path: Path) -> None:
    await stands(Standing(wall_clock()))
    assert await is_well(schedule.look, case(tmp_path)) == "All chores of the schedule come through."


async def test_a_chore_that_fails(stands: Stands, tmp_path: Path) -> None:
    now = wall_clock()
    await stands(Standing(now, {"purge_inbox": Failing(now - 3 * HOUR, "UndefinedTable at schedule.py:41")}))
    fault = await the_fault(schedule.look, case(tmp_path))
    assert fault.level == "wrong"
    assert fault.says == "purge_inbox has failed for 3 hours: UndefinedTable at schedule.py:41."


async def test_a_schedule_that_hangs(stands: Stands, tmp_path: Path) -> None:
    await stands(Standing(wall_clock() - 7 * MINUTE))
    fault = await the_fault(schedule.look, case(tmp_path))
    assert (fault.level, fault.says) == ("warning", "The schedule has not come through for 7 minutes.")


async def test_web_processes_without_a_worker(stands: Stands, tmp_path: Path) -> None:
    await stands(None)
    fault = await the_fault(schedule.look, case(tmp_path))
    assert fault.level == "wrong"
    assert "worker" in fault.mend


async def test_nobody_runs(stands: Stands, tmp_path: Path) -> None:
    assert [finding.level for finding in await findings(schedule.look, case(tmp_path))] == ["skipped"]


async def test_no_database_yet(tmp_path: Path) -> None:
    assert [finding.level for finding in await findings(schedule.look, case(tmp_path))] == ["skipped"]
