"""The database: there, whole, up to date, with its key, and nothing stuck in it."""

import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.doctor import cards, database, deliveries
from bot.doctor.rounds import CHECKS, examine
from storage.database import Database, Unavailable
from storage.ids import new_id
from storage.opening import opened
from storage.postgres import without_password
from tests.doctor.patients import case, findings, is_well, the_fault
from tests.fake_verifier import a_verifier
from tests.house import House


@pytest.fixture
async def made(tmp_path: Path) -> Path:
    """A database with one key in it, as a first chat leaves it."""
    patient = case(tmp_path)
    new = await Database.open(patient.settings.database_url)
    key, wrapped = (await opened(new, patient.settings.master)).new_key()
    async with new.write() as tx:
        await tx.run("INSERT INTO keys (id, wrapped) VALUES (:id, :wrapped)", {"id": key.id, "wrapped": wrapped})
    await new.close()
    return tmp_path


def sql(folder: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / "kp7.db")) as connection, connection:
        connection.execute(statement, values)


async def test_a_healthy_database(made: Path) -> None:
    said = await is_well(database.look, case(made))
    assert "It is up to date" in said
    assert "MASTER_KEY opens it" in said
    assert "quick_check finds nothing wrong" in said
    assert os.listdir(made) == ["kp7.db"], "nothing is left behind"


async def test_none_yet(tmp_path: Path) -> None:
    fault = await the_fault(database.look, case(tmp_path))
    assert (fault.level, fault.says) == ("warning", f"{tmp_path / 'kp7.db'} is not there yet.")
    assert os.listdir(tmp_path) == []
    assert [finding.level for finding in await findings(deliveries.look, case(tmp_path))] == ["skipped"]


async def test_another_master_key(made: Path) -> None:
    fault = await the_fault(database.look, case(made, master_key="x" * 44))
    assert fault.level == "wrong"
    assert "MASTER_KEY is not the one" in fault.says


async def test_migrations_that_wait(made: Path) -> None:
    sql(made, "DELETE FROM migrations WHERE name = '0002_channels.sql'")
    fault = await the_fault(database.look, case(made))
    assert (fault.level, fault.says) == ("warning", "The database waits for 1 migrations.")


async def test_it_runs_nothing_that_the_database_names(made: Path) -> None:
    """Whoever may write into the file could have the doctor's user read, and run, any SQL there is."""
    planted = made / "evil.sql"
    planted.write_text(f"ATTACH '{made / 'planted'}' AS x; CREATE TABLE x.y AS SELECT 1;")
    sql(made, "INSERT INTO migrations VALUES (?, 0)", str(planted))
    assert (await the_fault(database.look, case(made))).level == "wrong"
    assert not (made / "planted").exists()


async def test_it_changes_nothing(made: Path) -> None:
    """A file that others may read is complained of each time, not only the first."""
    path = made / "kp7.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    path.chmod(0o644)
    before = path.read_bytes()
    checks = [check for check in CHECKS if check.name in ("files", "database", "erasures", "schedule")]
    for _ in range(2):
        report = await examine(case(made), checks)
        assert [finding.says for _, finding in report if finding.level == "wrong"] == [
            f"{path} can be read by other users of this machine."
        ]
    assert (path.stat().st_mode & 0o777, path.read_bytes()) == (0o644, before)
    assert os.listdir(made) == ["kp7.db"]


async def test_it_sees_what_stands_in_the_log(made: Path) -> None:
    """The server's, and that of one that was killed."""
    server = await Database.open(case(made).settings.database_url)
    async with server.write() as tx:
        await tx.run("DELETE FROM migrations WHERE name = '0002_channels.sql'")
    crashed = made / "crashed"
    crashed.mkdir()
    for name in ("kp7.db", "kp7.db-wal"):
        shutil.copy(made / name, crashed / name)
    found = [await findings(database.look, case(folder)) for folder in (made, crashed)]
    await server.close()
    for said in found:
        assert [finding.says for finding in said if finding.level != "ok"] == ["The database waits for 1 migrations."]
    assert os.listdir(crashed) == ["kp7.db"]


async def test_a_database_of_a_newer_version(made: Path) -> None:
    sql(made, "INSERT INTO migrations VALUES ('9999_tomorrow.sql', 0)")
    fault = await the_fault(database.look, case(made))
    assert fault.level == "wrong"
    assert "9999_tomorrow.sql" in fault.says


async def test_a_damaged_file(made: Path) -> None:
    with (made / "kp7.db").open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 3)
    found = [finding for finding in await findings(database.look, case(made)) if finding.level == "wrong"]
    assert found
    assert "backup" in found[-1].mend


async def test_something_that_kp7_has_not_made(made: Path) -> None:
    """Found here, and not on the day when a backup of it must be restored."""
    opened = await Database.open(case(made).settings.database_url)
    sql(made, "CREATE TABLE _litestream_seq (id)")
    await is_well(database.look, case(made))
    sql(made, "CREATE TRIGGER evil AFTER INSERT ON inbox BEGIN DELETE FROM audit; END")
    fault = await the_fault(database.look, case(made))
    assert (fault.level, "trigger evil" in fault.says) == ("wrong", True)
    await opened.close()


async def test_no_database_at_all(tmp_path: Path) -> None:
    (tmp_path / "kp7.db").write_bytes(b"not a database" * 500)
    found = await findings(database.look, case(tmp_path))
    assert found[-1].level == "wrong"


async def test_pieces_of_a_password_are_not_repeated(tmp_path: Path) -> None:
    """A driver takes what follows a stray @ or / for the host or the port, and says so."""
    url = "postgresql://kp7:se/cret@tail@127.0.0.1:1/kp7"
    fault = await the_fault(database.look, case(tmp_path, database_url=url))
    assert fault.says.startswith("The database cannot be opened: ")
    driver = without_password("failed to resolve host 'tail@127.0.0.1', port 'se', 'cret'.", url)
    assert driver == "failed to resolve host '…@127.0.0.1', port '…', '…'."
    with pytest.raises(Unavailable, match=r"'…@127\.0\.0\.1'"):  # as the log of a server that does not start has it
        await Database.open("postgresql://kp7:se@cret@127.0.0.1:1/kp7")


async def test_a_full_disk_and_one_nearly_full(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(made)
    for free, level in ((500_000_000, "warning"), (20_000_000, "wrong")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, left=free: usage._replace(free=left))
        fault = await the_fault(database.look, case(made))
        assert fault.level == level
        assert "MB are free" in fault.says


async def test_a_slow_disk(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: time.sleep(0.06))
    assert "ms to write for sure" in (await the_fault(database.look, case(made))).says


async def test_a_log_that_somebody_keeps_from_shrinking(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WAL_MOST", 1000)
    with closing(sqlite3.connect(made / "kp7.db")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM keys").fetchall()
        sql(made, "INSERT INTO inbox SELECT 'toy', 'x', hex(randomblob(9000)), 0, 'done'")
        fault = await the_fault(database.look, case(made))
    assert "kp7.db-wal has grown" in fault.says


async def test_it_is_somebody_elses(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening it as root would leave files behind that the server cannot write."""
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    fault = await the_fault(database.look, case(made))
    assert "belongs to another user" in fault.says
    assert fault.mend == "Run this command as the user that KP7 runs as."


async def test_what_waits_and_what_never_arrived(made: Path) -> None:
    assert "Nothing is late" in await is_well(deliveries.look, case(made))
    row = "INSERT INTO outbox (id, lane, kind, purpose, key_id, body, due_at, expires_at, wanted_at, dead_at)"
    now = int(time.time() * 1000)
    sql(made, f"{row} VALUES (?, 'x', 'mail', 'code', 'k', '', 0, 0, ?, NULL)", new_id(), now - 5 * 60_000)
    fault = await the_fault(deliveries.look, case(made))
    assert "for 5 minutes; 1 wait" in fault.says
    sql(made, "UPDATE outbox SET dead_at = ?", now)
    assert "1 messages could not be delivered" in (await the_fault(deliveries.look, case(made))).says


# --- who checks the ID card -------------------------------------------------------------------------------------------


async def test_hr_needs_no_machine(tmp_path: Path) -> None:
    assert "in person" in await is_well(cards.look, case(tmp_path))


async def test_a_roster_with_laser_codes_and_one_without(house: House, tmp_path: Path) -> None:
    patient = case(tmp_path, card_verifier="roster", database_url=house.settings.database_url)
    assert "have a laser code" in await is_well(cards.look, patient)
    async with house.kp7.database.write() as tx:
        await tx.run("UPDATE people SET card_hash = NULL")
    assert "none of" in (await the_fault(cards.look, patient)).says


@pytest.mark.parametrize(
    ("cards_known", "says"),
    [({}, ""), ({cards.NOBODY["national_id"]: cards.NOBODY["laser_code"]}, "says yes to a card that does not exist")],
)
async def test_a_verification_service(tmp_path: Path, cards_known: dict[str, str], says: str) -> None:
    async with a_verifier() as service:
        service.cards = cards_known
        patient = case(tmp_path, card_verifier="http", card_verifier_url=service.url, card_verifier_token="t0ken-x")
        look: Any = the_fault if says else is_well
        found = await look(cards.look, patient)
        assert says in getattr(found, "says", "")
        assert service.tokens == ["Bearer t0ken-x"]


async def test_a_verification_service_that_is_gone(tmp_path: Path) -> None:
    patient = case(tmp_path, card_verifier="http", card_verifier_url="http://127.0.0.1:9/cards")
    assert "card verifier: " in (await the_fault(cards.look, patient)).says
