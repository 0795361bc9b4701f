"""The same questions to a database server."""

from pathlib import Path

import pytest

from bot.doctor import clock, database, deliveries
from storage.database import Database
from tests.doctor.patients import PASSWORD, case, findings, is_well, the_fault


async def test_a_healthy_database_server(new_postgres_url: str, tmp_path: Path) -> None:
    patient = case(tmp_path, database_url=new_postgres_url)
    assert "migrations" in (await the_fault(database.look, patient)).says
    assert [finding.level for finding in await findings(deliveries.look, patient)] == ["skipped"]
    opened = await Database.open(new_postgres_url)
    await opened.migrate()
    await opened.close()
    assert "It is up to date" in await is_well(database.look, patient)
    assert "Nothing is late" in await is_well(deliveries.look, patient)
    assert "agrees with the clock of the database server" in await is_well(clock.look, patient)


@pytest.mark.parametrize("place", ["127.0.0.1:1/kp7", "nobody.invalid/kp7"])
async def test_a_database_server_that_is_not_there(tmp_path: Path, place: str) -> None:
    fault = await the_fault(database.look, case(tmp_path, database_url=f"postgresql://kp7:{PASSWORD}@{place}"))
    assert fault.says.startswith("The database cannot be opened: ")
    assert PASSWORD not in fault.says
