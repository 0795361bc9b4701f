"""`kp7 backup` while people chat: whole or not there at all; and the folder that they lie in."""

import asyncio
import os
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import typer

from bot import backup
from bot.backup import Pruned, Refused
from bot.commands import care
from bot.times import DAY
from storage import snapshot
from tests.backup.office import WHEN, Office, content
from tests.command import environment, run
from tests.house import KEY


def test_a_backup_says_what_it_is_and_is_for_its_owner_only(office: Office) -> None:
    made = office.backed_up()
    assert made.name == "kp7-20231114T221320000Z"
    manifest = backup.read(made)
    assert manifest.rows["people"] == 1
    assert manifest.migrations[0] == "0001_init.sql"
    assert manifest.files.database == backup.content(made / "database")
    assert manifest.files.erased == backup.content(made / "erased")
    assert [path for path in (made, *made.iterdir()) if path.stat().st_mode & 0o077] == []
    assert sorted(path.name for path in made.iterdir()) == ["database", "erased", "manifest.json", "objects"]
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
    async with asyncio.timeout(20):
        while not committed:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
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
    assert backup.prune(office.backups, WHEN + 60 * DAY, 40) == Pruned(made[:1])
    assert list(backup.within(office.backups)) == made[1:]
    assert backup.prune(office.backups, WHEN + 1_000 * DAY, None) == Pruned()
    assert backup.prune(office.backups, WHEN + 1_000 * DAY, 1) == Pruned(made[1:3])
    assert list(backup.within(office.backups)) == made[3:]
    assert backup.prune(office.backups, WHEN + 2_000 * DAY, 1) == Pruned()


def stuck(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """As `chattr +i` makes a file, whoever asks: folders can be renamed with it in them, it cannot be deleted."""
    real = os.unlink

    def unlink(path: Any, **how: Any) -> None:
        if Path(path).name == name:
            raise PermissionError(1, "Operation not permitted")
        real(path, **how)

    monkeypatch.setattr(os, "unlink", unlink)


@pytest.mark.parametrize("name", ["database", "erased", "manifest.json"])
def test_what_cannot_be_deleted_is_named_and_keeps_no_new_backup_from_being_made(
    office: Office, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, other = office.backed_up(), office.backed_up(WHEN + 1)
    office.backed_up(WHEN + 60 * DAY)
    (other / name).rename(other / "something else")
    half = office.backups / f".{old.name}.partial"
    with monkeypatch.context() as patch:
        stuck(patch, name)
        for _ in range(2):
            pruned = backup.prune(office.backups, WHEN + 60 * DAY, 30)
            assert pruned.left == {half: "Operation not permitted"}
        assert [path.name for path in half.iterdir()] == [name], "what can be deleted is"
        newest = office.backed_up(WHEN + 61 * DAY)
        assert list(backup.within(office.backups))[1:] == [newest]
        assert not other.exists()
    assert backup.prune(office.backups, WHEN + 61 * DAY, 30) == Pruned()
    assert not half.exists()


def test_a_backup_that_cannot_be_renamed_is_named_as_it_is(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    old = office.backed_up()
    office.backed_up(WHEN + 60 * DAY)

    monkeypatch.setattr(Path, "rename", raising(PermissionError(1, "Operation not permitted")))
    assert backup.prune(office.backups, WHEN + 60 * DAY, 30) == Pruned([], {old: "Operation not permitted"})


def test_one_at_a_time_makes_and_deletes_there(office: Office) -> None:
    """Or one would delete what another is putting together."""
    made = [office.backed_up(WHEN + day * DAY) for day in (0, 60)]
    before = sorted(office.backups.iterdir())
    with backup._alone(office.backups):
        half = office.backups / ".kp7-x.partial"
        half.mkdir()
        with pytest.raises(Refused, match="Another backup"):
            office.backed_up(WHEN + 61 * DAY)
        with pytest.raises(Refused, match="Another backup"):
            backup.prune(office.backups, WHEN + 61 * DAY, 1)
        assert sorted(office.backups.iterdir()) == sorted([*before, half])
    assert backup.prune(office.backups, WHEN + 61 * DAY, 1) == Pruned(made[:1])
    assert not half.exists()


@pytest.mark.parametrize("busy", [False, True])
async def test_the_operator_hears_that_the_backup_was_made_and_what_is_left(
    office: Office, busy: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`busy`: another `kp7 backup` has begun in between."""
    old = office.backed_up()
    for name, value in environment(f"sqlite:///{office.path}").items():
        monkeypatch.setenv(name, value)
    if busy:
        monkeypatch.setattr(backup, "prune", raising(Refused("Another backup is being made.")))
    else:
        stuck(monkeypatch, "erased")
    with pytest.raises(typer.Exit) as ended:
        await asyncio.to_thread(care.backup, office.backups, 30)
    said, complained = capsys.readouterr()
    assert ended.value.exit_code == 4
    (new,) = [path for path in office.backups.iterdir() if path.name.startswith("kp7-") and path != old]
    assert said == f"{new}\n"
    assert "The backup was made, but" in complained
    assert "No backup" not in complained
    assert busy or f".{old.name}.partial could not be deleted: Operation not permitted." in complained


def raising(error: Exception) -> Callable[..., None]:
    def fails(*_: object) -> None:
        raise error

    return fails


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
    chance, left = random.Random(7), 0
    for _ in range(6):
        await office.killed_while_it_backs_up(".kp7-*.partial", chance.uniform(0, 0.06))
        left += len(list(office.backups.glob(".kp7-*.partial")))
        for folder in backup.within(office.backups):
            await office.restored(folder, force=True)
            assert content(office.path)["people"]
    assert left >= 3, "they were killed too late to show anything"
    assert (await run(f"sqlite:///{office.path}", "backup", office.backups))[0] == 0
    assert list(office.backups.glob(".kp7-*.partial")) == []


def test_names_that_are_no_day_are_nobodys_backups(office: Office) -> None:
    made = office.backed_up()
    for name in (
        "kp7-99999999T999999999Z",
        "kp7-00000101T000000000Z",
        "kp7-๒๐๒๓๑๑๑๔T๒๒๑๓๒๐๐๐๐Z",
        "kp7-20231114T221320000",
    ):
        (office.backups / name).mkdir()
    (office.backups / "kp7-20231115T000000000Z").write_text("a file")
    (office.backups / "kp7-20231116T000000000Z").symlink_to(office.folder)
    assert list(backup.within(office.backups)) == [made]
    assert backup.prune(office.backups, WHEN + 99 * DAY, 1) == Pruned()
    assert backup.prune(office.folder, WHEN, 1) == Pruned()


def test_links_that_lie_there_are_never_followed(office: Office, tmp_path: Path) -> None:
    """Somebody who may write into the folder must not have others' files deleted or emptied."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("kept")
    office.backups.mkdir()
    (office.backups / ".kp7-x.partial").symlink_to(precious)
    (office.backups / ".kp7-y.partial").write_text("a file")
    (office.backups / ".kp7-z.partial").symlink_to(tmp_path / "nowhere")
    made = office.backed_up()
    assert sorted(path.name for path in office.backups.iterdir()) == [".lock", made.name]
    (office.backups / ".lock").unlink()
    (office.backups / ".lock").symlink_to(precious / "file")
    with pytest.raises(OSError, match=r"\.lock"):
        office.backed_up(WHEN + 1)
    assert (precious / "file").read_text() == "kept"
