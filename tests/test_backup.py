"""`kp7 backup` while people chat, `kp7 restore` into place; and whoever was erased stays erased."""

import asyncio
import contextlib
import json
import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot import backup
from bot.app import running
from bot.backup import Refused
from bot.policy import Policy
from bot.restore import Restored, Unlocked, restore
from bot.settings import Settings
from bot.times import DAY
from bot.topic import Registry
from handlers import topics
from storage import people, snapshot
from storage.database import Database
from storage.erasures import Erasure, Erasures, Ledger
from storage.opening import opened
from storage.people import national_id_index
from storage.roster import write_roster
from storage.vault import Vault
from tests import databases
from tests.cast import ANAN, MALEE, SOMCHAI
from tests.command import PROGRAM, environment, kp7, run
from tests.house import KEY, House
from tests.security.tools import registers, rows
from tests.served import Served
from tests.storage.test_roster import SOMCHAI as ON_ROSTER

WHEN = 1_700_000_000_000
SETTINGS = Settings(_env_file=None, master_key=KEY)
VAULT = Vault(SETTINGS.master)
HOLDS = Registry(topics(VAULT, Policy(SETTINGS, lambda: WHEN))).holds


def silent(_done: int, _whole: int) -> None: ...


def content(path: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(path)) as connection:
        names = [n for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        found = {name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in names}
        return {**found, "keys": [row for row in found["keys"] if not row[0].startswith("secret:")]}


# --- an office without a server, to look at one thing at a time -------------------------------------------------------


class Office:
    """A folder with a database, its ledger, and backups in another folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.backups = folder, folder / "backups"
        self.path = folder / "kp7.db"
        self.ledger = Ledger(folder / "kp7.db.erased", VAULT.secret("erasures"))

    async def opens(self) -> Database:
        database = await Database.open(f"sqlite:///{self.path}")
        await database.migrate()
        return database

    def backed_up(self, now: int = WHEN) -> Path:
        return backup.make(f"sqlite:///{self.path}", self.backups, self.ledger, now, silent)

    async def restored(
        self, source: Path, now: int = WHEN + 10 * DAY, master: bytes = SETTINGS.master, **how: Any
    ) -> Restored:
        async def unlock(database: Database) -> Unlocked:
            vault = await opened(database, master)
            self.ledger = Ledger(self.ledger.path, vault.secret("erasures"))
            return vault, HOLDS, self.ledger

        return await restore(source, self.path, unlock, now, silent, **how)

    async def knows(self, national_id: str = ON_ROSTER.national_id) -> bool:
        database = await self.opens()
        try:
            async with database.read() as tx:
                return await people.by_index(tx, VAULT, national_id_index(VAULT, national_id)) is not None
        finally:
            await database.close()

    def ledgers(self) -> tuple[Erasure, ...]:
        erasures = self.ledger.read()
        assert erasures
        return erasures.all

    async def erases(self, now: int) -> None:
        database = await self.opens()
        async with database.write() as tx:
            row = await tx.one("SELECT key_id FROM people")
            assert row
            self.ledger.add([Erasure(now, (row["key_id"],))])
        await database.close()


@pytest.fixture
async def office(tmp_path: Path) -> Office:
    """With one person on its roster."""
    office = Office(tmp_path / "office")
    office.folder.mkdir()
    database = await office.opens()
    async with database.write() as tx:
        await write_roster(tx, VAULT, [ON_ROSTER], 1)
    vault = await opened(database, SETTINGS.master)
    await database.close()
    office.ledger = Ledger(office.ledger.path, vault.secret("erasures"))
    office.ledger.begin(WHEN - DAY)
    return office


# --- backups ----------------------------------------------------------------------------------------------------------


def test_a_backup_says_what_it_is_and_is_for_its_owner_only(office: Office) -> None:
    made = office.backed_up()
    assert made.name == "kp7-20231114T221320000Z"
    manifest = backup.read(made)
    assert manifest.rows["people"] == 1
    assert manifest.migrations[0] == "0001_init.sql"
    assert manifest.files == {name: backup.content(made / name) for name in ("database", "erased")}
    assert [path for path in (made, *made.iterdir()) if path.stat().st_mode & 0o077] == []
    assert sorted(path.name for path in made.iterdir()) == ["database", "erased", "manifest.json"]
    assert KEY.encode() not in b"".join(path.read_bytes() for path in made.iterdir())


async def test_every_table_is_as_of_one_commit_while_others_write(office: Office) -> None:
    """A transaction puts the same number into three tables: a copy in which they differ was torn."""
    database = await office.opens()
    committed = 0
    over = False

    async def write() -> None:
        nonlocal committed
        while not over:
            n = committed + 1
            async with database.write() as tx:
                await tx.run("INSERT INTO attempts VALUES ('test', 'x', :n)", {"n": n})
                await tx.run("INSERT INTO inbox VALUES ('toy', :id, 'a', :n, 'done')", {"id": str(n), "n": n})
                await tx.run("INSERT INTO tallies (kind, minute, part, n) VALUES ('test', :n, 0, :n)", {"n": n})
            committed = n

    writer = asyncio.create_task(write())
    before, made = [], []
    for number in range(8):
        await asyncio.sleep(0.05)
        before.append(committed)
        made.append(await asyncio.to_thread(office.backed_up, WHEN + number))
    over = True
    await writer
    await database.close()
    for least, folder in zip(before, made, strict=True):
        with closing(sqlite3.connect(folder / "database")) as copy:
            found = {
                copy.execute(f"SELECT count(*), max({column}) FROM {table}").fetchone()
                for table, column in (("attempts", "at"), ("inbox", "received_at"), ("tallies", "n"))
            }
        assert len(found) == 1
        count, newest = found.pop()
        assert count == newest >= least > 0


def test_what_was_deleted_is_in_no_backup(office: Office) -> None:
    with closing(sqlite3.connect(office.path)) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("CREATE TABLE gone (x)")
        connection.execute("INSERT INTO gone VALUES ('a marker that was deleted')")
        connection.commit()
        connection.execute("DROP TABLE gone")
        connection.commit()
    snapshot.empty_log(office.path)
    assert b"a marker that was deleted" in office.path.read_bytes()
    assert b"a marker that was deleted" not in (office.backed_up() / "database").read_bytes()


def test_those_that_are_too_old_go_and_the_last_one_stays(office: Office) -> None:
    made = [office.backed_up(WHEN + day * DAY) for day in (0, 20, 59, 60)]
    assert backup.prune(office.backups, WHEN + 60 * DAY, 40) == made[:1]
    assert list(backup.within(office.backups)) == made[1:]
    assert backup.prune(office.backups, WHEN + 1_000 * DAY, 1) == made[1:3]
    assert list(backup.within(office.backups)) == made[3:]
    assert backup.prune(office.backups, WHEN + 2_000 * DAY, 1) == []


def test_without_room_there_is_no_backup_and_no_rest_of_one(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(snapshot, "counts", full)
    with pytest.raises(OSError, match="No space"):
        office.backed_up()
    assert [path.name for path in office.backups.iterdir()] == [".lock"]


async def test_killed_at_any_moment_it_leaves_no_half_backup(office: Office) -> None:
    with closing(sqlite3.connect(office.path)) as connection:
        some = [("x", str(n), "y" * 3_000) for n in range(5_000)]
        connection.executemany("INSERT INTO inbox VALUES (?, ?, ?, 0, 'done')", some)
        connection.commit()
    chance = random.Random(7)
    url = f"sqlite:///{office.path}"
    left = 0
    for _ in range(6):
        process = await asyncio.create_subprocess_exec(
            *PROGRAM, "backup", str(office.backups), env=environment(url), cwd=office.folder,
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        while process.returncode is None and not list(office.backups.glob(".kp7-*.partial")):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        await asyncio.sleep(chance.uniform(0, 0.06))
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        left += len(list(office.backups.glob(".kp7-*.partial")))
        for folder in backup.within(office.backups):
            await office.restored(folder, force=True)
            assert content(office.path)["people"]
    assert left >= 3, "they were killed too late to show anything"
    assert (await run(url, "backup", office.backups))[0] == 0
    assert list(office.backups.glob(".kp7-*.partial")) == []


# --- restoring --------------------------------------------------------------------------------------------------------


async def test_restored_on_an_empty_machine_it_is_what_was_backed_up(office: Office, tmp_path: Path) -> None:
    made = office.backed_up()
    before = content(office.path)
    other = Office(tmp_path / "another machine")
    done = await other.restored(made, without_ledger=True)
    assert content(other.path) == before
    assert (done.aside, done.erased, done.migrated) == (None, 0, [])
    assert other.path.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in other.folder.iterdir()) == ["kp7.db", "kp7.db.erased"]


async def test_of_a_folder_of_backups_the_newest_is_meant(office: Office) -> None:
    office.backed_up(WHEN)
    newest = office.backed_up(WHEN + DAY)
    office.path.unlink()
    assert (await office.restored(office.backups)).manifest == backup.read(newest)


async def test_what_was_there_is_kept_with_what_stood_in_its_log(office: Office) -> None:
    made = office.backed_up()
    database = await office.opens()
    async with database.write() as tx:
        await tx.run("INSERT INTO attempts VALUES ('newer', 'x', 1)")
    for name in ("kp7.db", "kp7.db-wal"):  # as a crash leaves it
        shutil.copy(office.folder / name, office.folder / f"crashed-{name}")
    await database.close()
    for name in ("kp7.db", "kp7.db-wal"):
        (office.folder / f"crashed-{name}").rename(office.folder / name)
    with pytest.raises(Refused, match="--force"):
        await office.restored(made)
    done = await office.restored(made, force=True)
    assert done.aside
    assert content(office.path)["attempts"] == []
    assert content(done.aside)["attempts"] == [("newer", "x", 1)]


async def test_an_older_one_is_brought_up_to_date(office: Office) -> None:
    with closing(sqlite3.connect(office.path)) as connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE name IN ('people_by_key', 'accounts_by_key', 'emails_of_person', "
            "'identity_checks_of_account')"
        ).fetchall():
            connection.execute(f"DROP INDEX {name}")
        connection.execute("DELETE FROM migrations WHERE name = '0006_privacy.sql'")
        connection.commit()
    made = office.backed_up()
    assert (await office.restored(made, force=True)).migrated == ["0006_privacy.sql"]


def edit(name: str, old: bytes, new: bytes) -> Callable[[Path], None]:
    def damage(made: Path) -> None:
        data = (made / name).read_bytes()
        assert old in data
        (made / name).write_bytes(data.replace(old, new, 1))

    return damage


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "one byte of the database": (edit("database", b"ordinary", b"Ordinary"), "sha256"),
    "half a database": (lambda made: (made / "database").write_bytes((made / "database").read_bytes()[:9_999]), "sha2"),
    "another ledger": (lambda made: (made / "erased").write_bytes(b""), "sha256"),
    "no manifest": (lambda made: (made / "manifest.json").unlink(), "is no backup"),
    "half a manifest": (lambda made: (made / "manifest.json").write_bytes(b'{"format": 1'), "damaged"),
    "a format to come": (edit("manifest.json", b'"format": 1', b'"format": 2'), "newer KP7"),
    "a schema to come": (edit("manifest.json", b"0006_privacy", b"9999_unknown"), "newer KP7"),
    "no database": (lambda made: (made / "database").unlink(), "No such file"),
}


@pytest.mark.parametrize("what", DAMAGES)
async def test_what_is_damaged_is_refused_and_changes_nothing(office: Office, what: str) -> None:
    with closing(sqlite3.connect(office.path)) as connection:
        connection.execute("UPDATE people SET unit = 'ordinary'")
        connection.commit()
    made = office.backed_up()
    damage, sentence = DAMAGES[what]
    damage(made)
    before = {path: path.read_bytes() for path in office.folder.iterdir() if path.is_file()}
    with pytest.raises((Refused, FileNotFoundError), match=sentence):
        await office.restored(made, force=True)
    assert {path: path.read_bytes() for path in office.folder.iterdir() if path.is_file()} == before


async def test_a_database_that_was_damaged_before_is_refused(office: Office) -> None:
    """Its sha256 is right: it was backed up like that."""
    made = office.backed_up()
    data = bytearray((made / "database").read_bytes())
    data[4096 + 8 : 4096 + 200] = bytes(192)
    (made / "database").write_bytes(data)
    manifest = backup.read(made).model_copy(
        update={"files": {name: backup.content(made / name) for name in ("database", "erased")}}
    )
    (made / "manifest.json").write_text(manifest.model_dump_json())
    with pytest.raises(Refused, match="is damaged"):
        await office.restored(made, force=True)


async def test_under_another_master_key_nothing_is_restored(office: Office) -> None:
    made = office.backed_up()
    with pytest.raises(Refused, match="MASTER_KEY"):
        await office.restored(made, force=True, master=b"the master key of another house, long enough")


# --- who was erased stays erased --------------------------------------------------------------------------------------


async def test_an_older_backup_brings_nobody_back(office: Office) -> None:
    made = office.backed_up()
    await office.erases(WHEN + DAY)
    done = await office.restored(made, force=True)
    assert done.erased == 1
    assert not await office.knows()
    assert [content(office.path)[table] for table in ("people", "emails", "keys")] == [[], [], []]
    wrapped = content(made / "database")["keys"][0][1].encode()
    assert wrapped in (made / "database").read_bytes()
    assert wrapped not in office.path.read_bytes()


async def test_on_an_empty_machine_it_says_that_nobody_knows(office: Office, tmp_path: Path) -> None:
    made = office.backed_up()
    await office.erases(WHEN + DAY)
    other = Office(tmp_path / "another machine")
    with pytest.raises(Refused, match=r"--erased FILE.*--without-ledger"):
        await other.restored(made)
    assert list(other.folder.iterdir()) == []

    await other.restored(made, erased=office.ledger.path)
    assert not await other.knows()
    assert other.ledger.read() == Erasures(WHEN, office.ledgers())
    await other.restored(made, force=True)  # from now on it knows by itself
    assert not await other.knows()


async def test_without_any_ledger_they_do_come_back_and_that_is_remembered(office: Office, tmp_path: Path) -> None:
    made = office.backed_up()
    await office.erases(WHEN + DAY)
    other = Office(tmp_path / "another machine")
    await other.restored(made, without_ledger=True)
    assert await other.knows()
    with pytest.raises(Refused, match="begun later"):
        await other.restored(made, force=True)


async def test_a_newer_backup_beside_it_knows(office: Office, tmp_path: Path) -> None:
    """The machine is gone, and the newest database with it; its ledger is still of use."""
    made = office.backed_up()
    await office.erases(WHEN + DAY)
    newer = office.backed_up(WHEN + 2 * DAY)
    (newer / "database").unlink()
    other = Office(tmp_path / "another machine")
    done = await other.restored(made, without_ledger=True)
    assert done.erased == 1
    assert not await other.knows()


async def test_a_ledger_that_was_begun_too_late_does_not_count(office: Office) -> None:
    made = office.backed_up()
    await office.erases(WHEN + DAY)
    office.ledger.path.unlink()
    office.ledger.begin(WHEN + 2 * DAY)  # as a server does that finds none
    with pytest.raises(Refused, match="begun later"):
        await office.restored(made, force=True)


async def test_a_chain_of_ledgers_counts(office: Office) -> None:
    """This machine's begins after the first backup, but the second one knew of all until then."""
    made = office.backed_up()
    await office.erases(WHEN + DAY)
    office.backed_up(WHEN + 2 * DAY)
    office.ledger.path.unlink()
    office.ledger.begin(WHEN + 2 * DAY - 1)
    assert (await office.restored(made, force=True)).erased == 1


async def test_a_forged_ledger_is_refused(office: Office) -> None:
    made = office.backed_up()
    with office.ledger.path.open("ab") as file:
        file.write(b'{"at": 1, "keys": ["of-somebody-else"], "mac": "00"}\n')
    with pytest.raises(Refused, match=r"Line 2 of .* is not genuine"):
        await office.restored(made, force=True)


# --- as operators do it -----------------------------------------------------------------------------------------------


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
        assert await people.by_index(tx, VAULT, national_id_index(VAULT, ANAN.national_id)) is None
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
def two_databases() -> Iterator[tuple[str, str]]:
    if not databases.answers() or not shutil.which("pg_dump"):
        pytest.skip(f"no PostgreSQL at {databases.SERVER}, or no pg_dump")
    with databases.a_database() as one, databases.a_database() as other:
        yield one, other


async def test_on_postgresql_pg_restore_and_the_next_start_bring_back_all_but_who_was_erased(
    two_databases: tuple[str, str], tmp_path: Path
) -> None:
    here, there = two_databases
    erased_file = tmp_path / "erased"
    database = await Database.open(here)
    await database.migrate()
    async with database.write() as tx:
        await write_roster(tx, VAULT, [ON_ROSTER], 1)
        await tx.run("INSERT INTO attempts VALUES ('test', 'x', :now)", {"now": int(time.time() * 1000)})
    await database.close()
    code, said, complained = await run(here, "backup", tmp_path / "backups", erased_file=erased_file)
    assert (code, complained) == (0, "")
    made = Path(said.strip())
    manifest = backup.read(made)
    assert (manifest.kind, manifest.rows["people"], manifest.rows["attempts"]) == ("postgresql", 1, 1)
    assert manifest.files["database"] == backup.content(made / "database")
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


async def test_a_ledger_that_is_begun_where_people_are_already_is_told(
    office: Office, capfd: pytest.CaptureFixture[str]
) -> None:
    """Somebody put a database in place by hand, and forgot who was erased; or misspelt ERASED_FILE."""
    settings = SETTINGS.model_copy(update={"database_url": f"sqlite:///{office.path}", "web_chat": True})
    async with running(settings):
        pass
    assert "erasure_ledger_begun_late" not in "".join(capfd.readouterr())
    office.ledger.path.unlink()
    async with running(settings):
        pass
    assert "erasure_ledger_begun_late" in "".join(capfd.readouterr())
