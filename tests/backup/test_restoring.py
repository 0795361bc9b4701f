"""`kp7 restore` into place: what is damaged, planted or not ours is refused, and changes nothing."""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from bot import backup
from bot.backup import Refused
from bot.times import DAY
from storage.plain_files import Unfit
from tests.backup.office import WHEN, Office, an_office, content, sums_again
from tests.unfit import UNFIT, put


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
        connection.execute("DROP TABLE ledger_end")
        connection.execute("DELETE FROM migrations WHERE name IN ('0006_privacy.sql', '0007_ledger.sql')")
        connection.commit()
    made = office.backed_up()
    assert (await office.restored(made, force=True)).migrated == ["0006_privacy.sql", "0007_ledger.sql"]


def edit(name: str, old: bytes, new: bytes) -> Callable[[Path], None]:
    def damage(made: Path) -> None:
        data = (made / name).read_bytes()
        assert old in data
        (made / name).write_bytes(data.replace(old, new, 1))

    return damage


def says(made: Path, **fields: object) -> None:
    manifest = json.loads((made / "manifest.json").read_text())
    (made / "manifest.json").write_text(json.dumps({**manifest, **fields}))


def replaced(what: str, name: str, made: Path) -> None:
    put(what, made / name)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "one byte of the database": (edit("database", b"ordinary", b"Ordinary"), "sha256"),
    "half a database": (lambda made: (made / "database").write_bytes((made / "database").read_bytes()[:9_999]), "sha2"),
    "another ledger": (lambda made: (made / "erased").write_bytes(b""), "sha256"),
    "no manifest": (lambda made: (made / "manifest.json").unlink(), "is no backup"),
    "half a manifest": (lambda made: (made / "manifest.json").write_bytes(b'{"format": 1'), "damaged"),
    "a format to come": (edit("manifest.json", b'"format": 1', b'"format": 2'), "newer KP7"),
    "a schema to come": (edit("manifest.json", b"0006_privacy", b"9999_unknown"), "newer KP7"),
    "a manifest without files": (edit("manifest.json", b'"files": {', b'"fails": {'), "manifest.json is damaged"),
    "a manifest without the ledger": (edit("manifest.json", b'"erased"', b'"arased"'), "manifest.json is damaged"),
    "a manifest without the database": (
        edit("manifest.json", b'"database"', b'"batadase"'),
        "manifest.json is damaged",
    ),
    "a manifest that is a list": (lambda made: (made / "manifest.json").write_bytes(b"[]"), "damaged"),
    "another hour in the manifest": (edit("manifest.json", b'"at": 1', b'"at": 2'), "manifest.json is not genuine"),
    "another count in the manifest": (edit("manifest.json", b'"people": 1', b'"people": 7'), "is not genuine"),
    "a manifest without its mac": (edit("manifest.json", b'"mac"', b'"nac"'), "manifest.json is not genuine"),
    "a mac of another alphabet": (edit("manifest.json", b'"mac": "', '"mac": "ก'.encode()), "is not genuine"),
    "a day in no calendar": (lambda made: says(made, at=10**30), "manifest.json is damaged"),
    "a day after all calendars": (lambda made: says(made, at=2**62), "manifest.json is damaged"),
    "a day before all calendars": (lambda made: says(made, at=-1), "manifest.json is damaged"),
    "more rows than numbers": (lambda made: says(made, rows={"people": 10**30}), "manifest.json is damaged"),
    "more bytes than numbers": (
        lambda made: says(made, files={name: {"bytes": 10**30, "sha256": ""} for name in ("database", "erased")}),
        "manifest.json is damaged",
    ),
    "fewer bytes than none": (
        lambda made: says(made, files={name: {"bytes": -1, "sha256": ""} for name in ("database", "erased")}),
        "manifest.json is damaged",
    ),
    "a manifest without an end": (lambda made: (made / "manifest.json").write_bytes(b" " * 2_000_000), "larger than"),
    **{
        f"{what} instead of {name}": (partial(replaced, what, name), "is not a regular file")
        for what in UNFIT
        for name in ("manifest.json", "database", "erased")
    },
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
    with pytest.raises((Refused, FileNotFoundError, Unfit), match=sentence):
        await office.restored(made, force=True)
    assert {path: path.read_bytes() for path in office.folder.iterdir() if path.is_file()} == before


async def test_no_more_is_copied_than_the_manifest_says(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that has grown to a disk full."""
    made = office.backed_up()
    size = backup.read(made).files.database.bytes
    os.truncate(made / "database", 1 << 40)
    copied = list[int]()
    monkeypatch.setattr("tests.backup.office.silent", lambda done, _whole: copied.append(done))
    with pytest.raises(Refused, match="sha256"):
        await office.restored(made, force=True)
    assert copied[-1] == size + 1
    assert list(office.folder.glob("kp7.db.restoring*")) == []


@pytest.mark.parametrize("what", UNFIT)
async def test_a_newer_backup_whose_ledger_is_no_file_harms_nobody(office: Office, what: str) -> None:
    made = office.backed_up()
    newer = office.backups / "kp7-20301231T000000000Z"
    shutil.copytree(made, newer)
    put(what, newer / "erased")
    assert (await office.restored(made, force=True)).erased == 0
    (newer / "erased").rename(newer / "aside")
    shutil.copy(made / "erased", newer / "erased")
    put(what, newer / "manifest.json")
    assert (await office.restored(made, force=True)).erased == 0


async def test_a_database_that_was_damaged_before_is_refused(office: Office) -> None:
    """Its sha256 is right: it was backed up like that."""
    made = office.backed_up()
    data = bytearray((made / "database").read_bytes())
    data[4096 + 8 : 4096 + 200] = bytes(192)
    (made / "database").write_bytes(data)
    sums_again(made, office.secret)
    with pytest.raises(Refused, match="is damaged"):
        await office.restored(made, force=True)


PLANTED = {
    "a trigger": "CREATE TRIGGER evil AFTER INSERT ON inbox BEGIN DELETE FROM audit; END",
    "a view for a table": "ALTER TABLE policy RENAME TO was; CREATE VIEW policy AS SELECT * FROM was",
    "an index with a condition of its own": "CREATE UNIQUE INDEX one_for_all ON accounts (language)",
    "a table": "CREATE TABLE more (x)",
    "a virtual table": "CREATE VIRTUAL TABLE _litestream_x USING fts5(x)",
    "a column": "ALTER TABLE policy ADD COLUMN more TEXT DEFAULT 'x'",
    "no index": "DROP INDEX codes_by_age",
}


@pytest.mark.parametrize("what", PLANTED)
@pytest.mark.parametrize("sealed", [False, True])
async def test_what_somebody_planted_in_the_copy_is_never_run(office: Office, what: str, sealed: bool) -> None:
    """`sealed`: it was planted before the backup was made, so that the manifest is genuine."""
    made = office.backed_up()
    with closing(sqlite3.connect(made / "database")) as connection:
        connection.executescript(PLANTED[what])
    sums_again(made, office.secret if sealed else b"")
    before = {path: path.read_bytes() for path in office.folder.iterdir() if path.is_file()}
    with pytest.raises(Refused, match="is not as KP7 makes it"):
        await office.restored(made, force=True)
    assert {path: path.read_bytes() for path in office.folder.iterdir() if path.is_file()} == before


async def test_what_litestream_leaves_in_a_database_is_no_harm(office: Office) -> None:
    with closing(sqlite3.connect(office.path)) as connection:
        connection.executescript("CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER); ANALYZE")
    await office.restored(office.backed_up(), force=True)
    assert await office.knows()


async def test_a_database_that_was_swapped_with_its_sum_is_refused(office: Office) -> None:
    """By somebody who can write into the folder: the rows of another day, or rows of their own."""
    older = office.backed_up()
    made = office.backed_up(WHEN + DAY)
    with closing(sqlite3.connect(older / "database")) as connection:
        connection.execute("UPDATE people SET status = 'retired'")
        connection.commit()
    shutil.copy(older / "database", made / "database")
    sums_again(made)
    with pytest.raises(Refused, match=r"manifest.json is not genuine"):
        await office.restored(made, force=True)


async def test_a_backup_of_another_office_under_another_name_is_refused(office: Office, tmp_path: Path) -> None:
    """Whole and genuine, but sealed there: with keys that this MASTER_KEY does not open."""
    other = await an_office(tmp_path / "other", b"the master key of another house, long enough")
    theirs = other.backed_up()
    with pytest.raises(Refused, match="MASTER_KEY"):
        await office.restored(theirs, force=True)
    made = office.backed_up()
    with closing(sqlite3.connect(made / "database")) as connection:  # with our keys put into it, it is not sealed by us
        ours = connection.execute("SELECT id, wrapped FROM keys WHERE id LIKE 'secret:%'").fetchall()
    with closing(sqlite3.connect(theirs / "database")) as connection:
        connection.execute("DELETE FROM keys WHERE id LIKE 'secret:%'")
        connection.executemany("INSERT INTO keys VALUES (?, ?)", ours)
        connection.commit()
    sums_again(theirs)
    with pytest.raises(Refused, match=r"manifest.json is not genuine"):
        await office.restored(theirs, force=True)


async def test_a_database_without_its_root_is_refused(office: Office) -> None:
    """Else a new one would be made, under which whatever is there would be genuine."""
    made = office.backed_up()
    with closing(sqlite3.connect(made / "database")) as connection:
        connection.execute("DELETE FROM keys WHERE id LIKE 'secret:%'")
        connection.commit()
    sums_again(made)
    with pytest.raises(Refused, match="root key was deleted"):
        await office.restored(made, force=True)


async def test_under_another_master_key_nothing_is_restored(office: Office) -> None:
    made = office.backed_up()
    with pytest.raises(Refused, match="MASTER_KEY"):
        await office.restored(made, force=True, master=b"the master key of another house, long enough")
