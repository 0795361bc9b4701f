"""Backups as operators make and restore them: in words and exit codes, on both databases."""

import asyncio
import json
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from bot import backup
from bot.app import Kp7, running
from bot.backup import Refused
from bot.settings import Settings
from bot.times import DAY
from handlers.organisation.imports import DateRule, import_roster
from storage import people
from storage.database import Database
from storage.erasures import Erasures
from storage.opening import opened
from storage.people import national_id_index
from storage.roster import write_roster
from tests import databases
from tests.backup.office import SETTINGS, TAMPERED, WHEN, Office, cut
from tests.cast import ANAN, MALEE, SOMCHAI
from tests.command import kp7, run
from tests.house import KEY, SAMPLES, House
from tests.security.tools import registers, rows
from tests.served import Served
from tests.storage.test_roster import SOMCHAI as ON_ROSTER
from tests.unfit import UNFIT, put, take_away


async def test_backed_up_under_load_and_restored_the_chats_go_on(house: House, tmp_path: Path) -> None:
    """Somchai and Malee chat while it runs. What they were told before it began is in it; then the machine is lost."""
    somchai, anan = await house.somebody(), await house.somebody()
    await somchai.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await registers(anan, ANAN, "anan.new@example.go.th")
    acknowledged = await rows(house, "SELECT channel, event_id FROM inbox")

    async def chatter() -> None:
        malee = await house.somebody()
        await malee.logs_in(MALEE.national_id, MALEE.email)
        while True:
            await malee.taps("menu.profile")
            await malee.taps("choice.close")

    chatting = asyncio.create_task(chatter())
    backups = tmp_path / "backups"
    code, said, complained = await kp7(house, "backup", backups, "--json")
    assert (code, complained) == (0, "")
    assert not chatting.done()
    chatting.cancel()
    await asyncio.gather(chatting, return_exceptions=True)

    code, said, complained = await kp7(house, "person", "erase", ANAN.national_id, "--yes")
    assert code == 0, complained
    await house.stop()
    (tmp_path / "kp7.db").unlink()
    code, said, complained = await kp7(house, "restore", backups)
    assert code == 0, complained
    assert "restored: " in said
    await house.start()
    kept = await rows(house, "SELECT channel, event_id FROM inbox")
    assert [row for row in acknowledged if row not in kept] == []
    async with house.kp7.database.read() as tx:
        vault = house.kp7.vault
        assert await people.by_index(tx, vault, national_id_index(vault, SOMCHAI.national_id))
        assert await people.by_index(tx, vault, national_id_index(vault, ANAN.national_id)) is None
    await somchai.taps("menu.profile")
    somchai.sees("ask.card")
    await anan.says("สวัสดี")
    anan.sees("home.welcome")


async def test_a_running_server_is_not_replaced_under_its_feet(tmp_path: Path, office: Office) -> None:
    made = office.backed_up()
    with Served(tmp_path) as served:
        code, _, complained = await run(f"sqlite:///{tmp_path}/kp7.db", "restore", made, "--force")
        assert code == 1
        assert "Another `kp7 serve` is running" in complained
        assert served.stop() == 0


async def test_in_words_and_exit_codes(office: Office) -> None:
    url = f"sqlite:///{office.path}"
    code, said, complained = await run(url, "backup", office.backups, "--keep", "30")
    assert (code, complained) == (0, "")
    assert said.strip() == str(next(iter(backup.within(office.backups))))
    assert (await run(url, "backup", office.backups, "--keep", "90"))[0] == 2
    code, _, complained = await run(url, "restore", office.backups)
    assert (code, complained) == (1, f"Nothing was restored: {office.path} is there already. --force moves it aside "
                                     "and keeps it.\n")  # fmt: skip
    code, said, _ = await run(url, "restore", office.backups, "--force")
    assert code == 0
    assert "people 1" in said
    assert "what was there: " in said
    assert (await run(url, "purge"))[0] == 0
    office.path.unlink()
    code, _, complained = await run(url, "backup", office.backups)
    assert (code, complained) == (1, f"No backup was made: There is no database at {office.path}.\n")


async def test_too_old_ones_are_pointed_out(office: Office) -> None:
    office.backed_up(int(time.time() * 1000) - 100 * DAY)
    code, said, complained = await run(f"sqlite:///{office.path}", "backup", office.backups, "--json")
    assert code == 0
    assert json.loads(said)["too_old"] == 1
    assert "--keep" in complained


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


@pytest.fixture
def two_databases(postgres_server: str) -> Iterator[tuple[str, str]]:
    if not shutil.which("pg_dump"):
        pytest.skip("no pg_dump")
    with databases.a_database(postgres_server) as one, databases.a_database(postgres_server) as other:
        yield one, other


async def test_on_postgresql_pg_restore_and_the_next_start_bring_back_all_but_who_was_erased(
    two_databases: tuple[str, str], tmp_path: Path
) -> None:
    here, there = two_databases
    erased_file = tmp_path / "erased"
    database = await Database.open(here)
    vault = await opened(database, SETTINGS.master)
    async with database.write() as tx:
        await write_roster(tx, vault, [ON_ROSTER], 1)
        await tx.run("INSERT INTO attempts VALUES ('test', 'x', :now)", {"now": int(time.time() * 1000)})
    await database.close()
    code, said, complained = await run(here, "backup", tmp_path / "backups", erased_file=erased_file)
    assert (code, complained) == (0, "")
    made = Path(said.strip())
    manifest = backup.read(made)
    assert (manifest.kind, manifest.rows["people"], manifest.rows["attempts"]) == ("postgresql", 1, 1)
    assert manifest.files.database == backup.content(made / "database")
    assert ON_ROSTER.national_id.encode() not in (made / "database").read_bytes()
    assert (await run(here, "restore", made, erased_file=erased_file))[0] == 3

    code, _, complained = await run(here, "person", "erase", ON_ROSTER.national_id, "--yes", erased_file=erased_file)
    assert code == 0, complained
    command = ("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={there}", str(made / "database"))
    restoring = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert (await restoring.communicate())[1] == b""
    settings = Settings(_env_file=None, master_key=KEY, database_url=there, erased_file=str(erased_file), web_chat=True)
    async with running(settings) as kp7_there, kp7_there.database.read() as tx:
        assert await tx.all("SELECT subject FROM attempts") == [{"subject": "x"}]
        assert await tx.all("SELECT id FROM people") == []
        assert await tx.all("SELECT id FROM keys WHERE id NOT LIKE 'secret:%'") == []


async def test_where_no_postgresql_answers_it_says_so(tmp_path: Path) -> None:
    nowhere = "postgresql://somebody:secret@127.0.0.1:1/kp7"
    code, _, complained = await run(nowhere, "backup", tmp_path / "backups", erased_file=tmp_path / "erased")
    assert code == 1
    assert complained.startswith("DATABASE_URL: ")
    assert "secret" not in complained
    assert list((tmp_path / "backups").glob("kp7-*")) == []


@pytest.mark.parametrize("what", ["the last line gone", "a line in the middle gone", "gone"])
async def test_that_lines_are_missing_is_said_until_it_is_mended(
    office: Office, capfd: pytest.CaptureFixture[str], what: str
) -> None:
    """At the start, which goes on; by a backup, which is made; and nobody is erased without a trace."""
    await office.erases(WHEN)
    await office.erases(WHEN + 1)
    path = office.ledger.path
    sound = path.read_bytes()
    tamper, sentence = TAMPERED.get(what, (Path.unlink, "is missing"))
    settings = SETTINGS.model_copy(update={"database_url": f"sqlite:///{office.path}", "web_chat": True})
    async with running(settings):
        pass
    assert "erasure_ledger" not in "".join(capfd.readouterr())
    tamper(path)
    async with running(settings):
        pass
    said = "".join(capfd.readouterr())
    assert "erasure_ledger_incomplete" in said
    assert sentence in said
    url = f"sqlite:///{office.path}"
    code, _, complained = await run(url, "backup", office.backups)
    assert (code, sentence in complained) == (4, True)

    async with running(settings) as kp7:
        await import_roster_of(kp7)
    capfd.readouterr()
    code, _, complained = await run(url, "person", "erase", SOMCHAI.national_id, "--yes")
    assert code == 1
    assert re.match(rf"Nothing was erased: .*{sentence}.*new-ledger", complained)
    path.write_bytes(sound)
    assert (await run(url, "person", "erase", SOMCHAI.national_id, "--yes"))[0] == 0
    assert len(office.ledgers()) == 3


@pytest.mark.parametrize("what", UNFIT)
async def test_a_ledger_that_is_no_file_leaves_people_chatting_and_is_named_everywhere(
    office: Office, capfd: pytest.CaptureFixture[str], what: str
) -> None:
    made = office.backed_up()
    put(what, office.ledger.path)
    settings = SETTINGS.model_copy(update={"database_url": f"sqlite:///{office.path}", "web_chat": True})
    async with running(settings) as kp7:
        await import_roster_of(kp7)
    said = "".join(capfd.readouterr())
    assert said.count("erasure_ledger_incomplete") == 1
    sentence = f"{office.ledger.path} is not a regular file."
    assert sentence in said
    url = f"sqlite:///{office.path}"
    for code, words in (
        (4, ("backup", office.backups)),
        (1, ("restore", made, "--force")),
        (1, ("restore", made, "--force", "--without-ledger")),
        (1, ("person", "erase", SOMCHAI.national_id, "--yes")),
    ):
        got, said, complained = await run(url, *words)
        assert (got, sentence in (said + complained).replace("\n", " ")) == (code, True), (words, said, complained)
        assert "Traceback" not in complained
    assert (await run(url, "database", "new-ledger", "--yes"))[0] == 0
    take_away(next(office.folder.glob("kp7.db.erased.replaced-*")))
    assert (await run(url, "person", "erase", SOMCHAI.national_id, "--yes"))[0] == 0


async def import_roster_of(kp7: Kp7) -> None:
    rule = DateRule(kp7.settings.self_service_before, kp7.settings.transfer_overrides_date)
    await import_roster(
        kp7.database,
        kp7.vault,
        SAMPLES / "roster.csv",
        today=date(2026, 11, 21),
        rule=rule,
        by="cli:x",
        clock=kp7.clock,
    )


async def test_a_new_ledger_where_no_copy_is_left(office: Office) -> None:
    """It is honest about what it cannot know, and knows what was left."""
    made = office.backed_up()
    await office.erases(WHEN + DAY)
    await office.erases(WHEN + 2 * DAY)
    url = f"sqlite:///{office.path}"
    assert (await run(url, "database", "new-ledger", "--yes"))[0] == 1, "nothing is missing"
    code, _, complained = await run(url, "database", "new-ledger", typed="n\n")
    assert code == 1
    assert "Look for a sound copy first" in complained
    known = office.ledgers()
    cut(office.ledger.path, slice(-1))
    code, said, complained = await run(url, "database", "new-ledger", "--yes")
    assert (code, complained) == (0, "")
    (aside,) = office.folder.glob("kp7.db.erased.replaced-*")
    assert said.split()[-1] == str(aside)
    assert aside.read_bytes().count(b"\n") == 2
    assert office.ledgers() == known[:1]
    assert (await run(url, "database", "new-ledger", "--yes"))[0] == 1
    with pytest.raises(Refused, match="begun later"):
        await office.restored(made, force=True)
    with closing(sqlite3.connect(office.path)) as connection:
        assert connection.execute("SELECT actor, action FROM audit").fetchall() == [("cli:malee", "ledger.begun")]


async def test_people_who_come_before_the_first_start_are_no_reason_to_worry(
    office: Office, capfd: pytest.CaptureFixture[str]
) -> None:
    """The roster is imported first: this database has never had a ledger, so nobody was ever erased from it."""
    office.ledger.path.unlink()
    with closing(sqlite3.connect(office.path)) as connection:
        connection.execute("DELETE FROM ledger_end")
        connection.commit()
    settings = SETTINGS.model_copy(update={"database_url": f"sqlite:///{office.path}", "web_chat": True})
    async with running(settings):
        pass
    assert "erasure_ledger" not in "".join(capfd.readouterr())
    assert office.ledger.read() == Erasures(0)
