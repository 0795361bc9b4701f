"""The ledger of who was erased: all of it there, and old enough."""

import asyncio
import time
from pathlib import Path

import pytest

from bot import erase
from bot.doctor import ledger
from bot.doctor.finding import Case
from storage import erasures
from storage.database import Database
from storage.erasures import Erasure, Ledger
from storage.opening import opened
from storage.roster import write_roster
from tests.doctor.patients import case, findings, is_well, the_fault
from tests.storage.test_roster import SOMCHAI
from tests.unfit import UNFIT, put


class Patient:
    def __init__(self, case: Case, database: Database, ledger: Ledger) -> None:
        self.case, self.database, self.ledger = case, database, ledger

    async def renewed(self, since: int) -> None:
        async with self.database.write() as tx:
            await erasures.move_end(tx, self.ledger.renew(since, self.ledger.path.with_name("aside")))


@pytest.fixture
async def patient(database_url: str, tmp_path: Path) -> Patient:
    """With a person on its roster, and one who was erased."""
    sick = case(tmp_path, database_url=database_url, erased_file=str(tmp_path / "kp7.erased"))
    database = await Database.open(database_url)
    vault = await opened(database, sick.settings.master)
    book = Ledger(sick.settings.erased_path, vault.secret("erasures"))
    async with database.write() as tx:
        await write_roster(tx, vault, [SOMCHAI], 1)
    assert await erase.take_up(database, book) == ""
    async with database.write() as tx:
        await erasures.move_end(tx, book.add([Erasure(1, ("k",))]))
    return Patient(sick, database, book)


async def test_a_whole_one(patient: Patient) -> None:
    assert "1 erasures" in await is_well(ledger.look, patient.case)
    await patient.database.close()


@pytest.mark.parametrize("end", [0, 1])
async def test_lines_are_missing(patient: Patient, end: int) -> None:
    path = patient.ledger.path
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:end]))
    fault = await the_fault(ledger.look, patient.case)
    assert fault.level == "wrong"
    assert ("The last lines of" if end else "is missing") in fault.says
    assert "new-ledger" in fault.mend
    await patient.database.close()


@pytest.mark.parametrize("what", UNFIT)
async def test_it_is_no_file(patient: Patient, what: str) -> None:
    put(what, patient.ledger.path)
    fault = await the_fault(ledger.look, patient.case)
    assert (fault.level, fault.says) == ("wrong", f"{patient.ledger.path} is not a regular file.")
    assert "new-ledger" in fault.mend
    await patient.database.close()


async def test_it_was_begun_after_people_came_until_all_backups_from_before_are_gone(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.sleep(0.002)  # a person's id tells a millisecond
    now = int(time.time() * 1000)
    await patient.renewed(now)
    fault = await the_fault(ledger.look, patient.case)
    assert fault.level == "warning"
    assert "people were here before" in fault.says
    assert "Delete the backups from before" in fault.mend
    monkeypatch.setattr(ledger, "KEPT_DAYS_MOST", -2)
    await is_well(ledger.look, patient.case)
    await patient.database.close()


async def test_nothing_to_compare_it_with(tmp_path: Path) -> None:
    assert [finding.level for finding in await findings(ledger.look, case(tmp_path))] == ["skipped"]
    database = await Database.open(case(tmp_path).settings.database_url)
    assert [finding.level for finding in await findings(ledger.look, case(tmp_path))] == ["skipped"]
    await opened(database, case(tmp_path).settings.master)
    (found,) = await findings(ledger.look, case(tmp_path))
    assert found.says.endswith("is begun when KP7 first starts.")
    (found,) = await findings(ledger.look, case(tmp_path, master_key="x" * 44))
    assert found.level == "skipped"
    await database.close()
