"""What people handed in is in every backup, as it lies, and comes back with it."""

import asyncio
import hmac
import json
import os
import random
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from bot import backup, backup_files
from bot.backup import Refused
from bot.backup_files import GIVE_UP, Lacking
from bot.commands import care
from bot.times import DAY, wall_clock
from storage import files, people
from storage.bucket import Bucket
from storage.files import Files
from storage.folder import Folder
from storage.objects import Objects, Unstored, whole
from storage.people import national_id_index
from storage.vault import Key
from tests.backup.office import WHEN, Office, sums_again
from tests.command import environment, run
from tests.storage.test_roster import SOMCHAI as ON_ROSTER

PAPER = b"%PDF-1.7 the ID card of somebody " * 1_000


class Counted:
    """A store that tells how often it was asked, or is away."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self.asked, self.away = list[str](), False

    async def get(self, name: str) -> AsyncIterator[bytes]:
        self.asked.append(name)
        if self.away:
            raise Unstored("the share is away")
        async for piece in self._objects.get(name):
            yield piece

    def __getattr__(self, name: str) -> Any:
        return getattr(self._objects, name)


async def _owner(office: Office, database: Any) -> tuple[str, Key]:
    async with database.read() as tx:
        person = await people.by_index(tx, office.vault, national_id_index(office.vault, ON_ROSTER.national_id))
    assert person
    return person.id, person.key


async def hands_in(office: Office, data: bytes = PAPER, *, held: bool = True) -> str:
    """→ the file's id"""
    database = await office.opens()
    try:
        id, key = await _owner(office, database)
        file = await Files(database, office.objects).put(id, key, data, WHEN)
        async with database.write() as tx:
            assert not held or await files.hold(tx, file.id, id)
    finally:
        await database.close()
    return file.id


async def takes_back(office: Office, id: str) -> None:
    database = await office.opens()
    async with database.write() as tx:
        await files.drop(tx, [id], WHEN)
    await database.close()


async def reads(office: Office, id: str) -> bytes:
    database = await office.opens()
    try:
        _, key = await _owner(office, database)
        return await Files(database, office.objects).get(id, key)
    finally:
        await database.close()


def place(folder: Path, id: str) -> Path:
    return Folder(folder / "files").path(id)


# --- made -------------------------------------------------------------------------------------------------------------


async def test_a_backup_has_every_file_sealed_as_it_lies_and_for_its_owner_only(office: Office) -> None:
    ids = [await hands_in(office, PAPER + bytes([n])) for n in range(9)]
    made = office.made()
    assert made.lacking == Lacking()
    assert [entry.id for entry in backup_files.entries(made.folder / "objects")] == sorted(ids)
    for id in ids:
        assert place(made.folder, id).read_bytes() == await whole(office.objects.get(id))
        assert b"somebody" not in place(made.folder, id).read_bytes()
    assert [path for path in made.folder.rglob("*") if path.stat().st_mode & 0o077] == []
    assert backup.read(made.folder).files.objects == backup.content(made.folder / "objects")


async def test_the_next_backup_links_what_the_one_before_has_and_fetches_the_rest(office: Office) -> None:
    old = await hands_in(office)
    first = office.backed_up()
    new = await hands_in(office)
    office.objects = counted = Counted(office.objects)
    second = office.backed_up(WHEN + DAY)
    assert counted.asked == [new]
    assert place(second, old).samefile(place(first, old))
    assert [entry.id for entry in backup_files.entries(second / "objects")] == [old, new]
    backup.prune(office.backups, WHEN + 40 * DAY, 1)
    assert not first.exists()
    assert (await office.restored(second, force=True)).lost == []
    assert place(second, old).read_bytes() == await whole(office.objects.get(old))


def shortened(made: Path, id: str) -> None:
    place(made, id).write_bytes(place(made, id).read_bytes()[:-1])


def linked_elsewhere(made: Path, id: str) -> None:
    other = place(made, id).rename(made / "other")
    place(made, id).symlink_to(other)


def of_another_list(made: Path, id: str) -> None:
    """Somebody without MASTER_KEY has put another file there, and its sum into the list."""
    place(made, id).write_bytes(b"planted")
    sha256 = backup.content_of(b"planted").sha256
    (made / "objects").write_text(backup_files.Entry(id, len(b"planted"), sha256).line())
    sums_again(made)


@pytest.mark.parametrize("spoil", [shortened, linked_elsewhere, of_another_list])
async def test_what_was_done_to_the_backup_before_does_not_go_on(
    office: Office, spoil: Callable[[Path, str], None]
) -> None:
    id = await hands_in(office)
    spoil(office.backed_up(), id)
    second = office.backed_up(WHEN + DAY)
    assert place(second, id).read_bytes() == await whole(office.objects.get(id))
    assert not place(second, id).is_symlink()


async def test_a_file_that_is_gone_keeps_no_other_out_and_is_named(office: Office) -> None:
    gone, there, never_whole = await hands_in(office), await hands_in(office), await hands_in(office, held=False)
    for id in (gone, never_whole):
        await office.objects.delete(id)
    made = office.made()
    assert made.lacking == Lacking([gone])
    assert [entry.id for entry in backup_files.entries(made.folder / "objects")] == [there]

    code, said, complained = await run(f"sqlite:///{office.path}", "backup", office.backups)
    assert code == 4
    assert said.strip() == str(next(reversed(backup.within(office.backups))))
    assert f"1 files are not in it (the first: {gone})" in complained


async def test_what_was_taken_back_while_the_backup_was_made_is_not_missed(
    office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The database in the backup still has it; whoever restores that hears of it."""
    id = await hands_in(office)
    await office.objects.delete(id)
    make = backup.make

    def slowly(*how: Any) -> backup.Made:
        made = make(*how)
        asyncio.run(takes_back(office, id))
        return made

    monkeypatch.setattr(backup, "make", slowly)
    for name, value in environment(f"sqlite:///{office.path}").items():
        monkeypatch.setenv(name, value)
    await asyncio.to_thread(care.backup, office.backups, None)
    said, complained = capsys.readouterr()
    assert complained == ""
    assert (await office.restored(Path(said.strip()), force=True)).lost == [id]


async def test_while_the_store_is_away_the_database_is_backed_up_with_what_the_backup_before_has(
    office: Office,
) -> None:
    old = [await hands_in(office) for _ in range(3)]
    office.backed_up()
    new = [await hands_in(office) for _ in range(3 * GIVE_UP)]
    office.objects = counted = Counted(office.objects)
    counted.away = True
    made = office.made(WHEN + DAY)
    assert made.lacking == Lacking(new, "the share is away")
    assert [entry.id for entry in backup_files.entries(made.folder / "objects")] == old
    assert len(counted.asked) < 2 * GIVE_UP, "nobody is asked for ever"


async def test_killed_while_it_fetches_files_it_leaves_no_backup_and_the_next_one_is_whole(office: Office) -> None:
    ids = [await hands_in(office) for _ in range(40)]
    chance, killed = random.Random(7), 0
    for _ in range(4):
        await office.killed_while_it_backs_up(".kp7-*.partial/files/*/*", chance.uniform(0, 0.02))
        killed += len(list(office.backups.glob(".kp7-*.partial")))
        for folder in backup.within(office.backups):
            assert [entry.id for entry in backup_files.entries(folder / "objects")] == ids
    assert killed >= 2, "they were killed too late to show anything"
    made = office.backed_up(wall_clock())
    assert list(office.backups.glob(".kp7-*.partial")) == []
    for id in ids:
        await office.objects.delete(id)
    assert (await office.restored(made, force=True, now=wall_clock())).files == len(ids)


async def test_without_room_for_files_there_is_no_backup_and_no_rest_of_one(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hands_in(office)

    async def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup_files, "_fetched", full)
    with pytest.raises(OSError, match="No space"):
        office.backed_up()
    assert [path.name for path in office.backups.iterdir()] == [".lock"]


# --- restored ---------------------------------------------------------------------------------------------------------


async def test_on_an_empty_machine_the_files_come_back(office: Office, tmp_path: Path) -> None:
    ids = [await hands_in(office, PAPER + bytes([n])) for n in range(5)]
    made = office.backed_up()
    other = Office(tmp_path / "another machine")
    done = await other.restored(made, without_ledger=True)
    assert (done.files, done.lost) == (5, [])
    other.vault = office.vault
    for n, id in enumerate(ids):
        assert await reads(other, id) == PAPER + bytes([n])


async def test_only_what_is_not_there_as_it_was_is_put_back(office: Office) -> None:
    whole, spoilt, deleted = [await hands_in(office) for _ in range(3)]
    made = office.backed_up()
    folder = office.objects
    assert isinstance(folder, Folder)
    data = folder.path(spoilt).read_bytes()
    folder.path(spoilt).write_bytes(data[:-1] + b"?")
    await folder.delete(deleted)
    before = folder.path(whole).stat()
    assert (await office.restored(made, force=True)).files == 2
    assert folder.path(spoilt).read_bytes() == data
    assert await reads(office, deleted) == PAPER
    assert folder.path(whole).stat() == before


async def test_files_of_whoever_was_erased_since_stay_away_and_go(office: Office) -> None:
    id = await hands_in(office)
    made = office.backed_up()
    await office.erases(WHEN + DAY)
    await office.objects.delete(id)
    done = await office.restored(made, force=True)
    assert (done.erased, done.files, done.lost) == (1, 0, [])
    folder = office.objects
    assert isinstance(folder, Folder)
    assert not folder.path(id).exists()


def gone(made: Path, id: str) -> None:
    place(made, id).unlink()


def edited(made: Path, id: str) -> None:
    place(made, id).write_bytes(place(made, id).read_bytes()[:-1] + b"?")


def a_folder(made: Path, id: str) -> None:
    place(made, id).unlink()
    place(made, id).mkdir()


@pytest.mark.parametrize("spoil", [gone, edited, shortened, linked_elsewhere, a_folder])
async def test_a_backup_without_all_that_it_says_it_has_is_refused(
    office: Office, spoil: Callable[[Path, str], None]
) -> None:
    id, other = await hands_in(office), await hands_in(office)
    made = office.backed_up()
    spoil(made, id)
    assert (await office.restored(made, force=True)).files == 0, "what lies in its place is enough"
    for one in (id, other):
        await office.objects.delete(one)
    before = office.path.read_bytes()
    with pytest.raises(Refused, match=rf"1 files that .*{made.name} .*the first: {id}\).*--without-files"):
        await office.restored(made, force=True)
    assert office.path.read_bytes() == before
    folder = office.objects
    assert isinstance(folder, Folder)
    assert not folder.path(other).exists(), "nothing has changed"
    done = await office.restored(made, force=True, without_files=True)
    assert (done.files, done.lost) == (1, [id])


def another_line(made: Path) -> None:
    (made / "objects").write_text((made / "objects").read_text() + f"{'z' * 26} 1 {'0' * 64}\n")


def no_list(made: Path) -> None:
    (made / "objects").unlink()


def without_a_list(made: Path) -> None:
    """As if it were of a time before there were files."""
    manifest = backup.read(made)
    manifest.files.objects = None
    (made / "manifest.json").write_text(manifest.model_dump_json(exclude_none=True))


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [(another_line, "sha256 differs"), (no_list, "No such file"), (without_a_list, "is not genuine")],
)
async def test_a_list_that_is_another_one_is_refused(
    office: Office, spoil: Callable[[Path], None], sentence: str
) -> None:
    await hands_in(office)
    made = office.backed_up()
    spoil(made)
    before = sorted(office.folder.iterdir())
    with pytest.raises((Refused, FileNotFoundError), match=sentence):
        await office.restored(made, force=True)
    assert sorted(office.folder.iterdir()) == before


async def test_a_genuine_list_that_is_no_list_is_said(office: Office) -> None:
    """Which nobody but this office could have written."""
    await hands_in(office)
    made = office.backed_up()
    (made / "objects").write_text(f"../../../etc/passwd 1 {'0' * 64}\n")
    sums_again(made, office.secret)
    with pytest.raises(Refused, match="objects is damaged"):
        await office.restored(made, force=True)


async def test_a_backup_from_before_there_were_files_is_restored(office: Office) -> None:
    made = office.backed_up()
    said = json.loads((made / "manifest.json").read_text())
    del said["mac"], said["files"]["objects"]
    mac = hmac.digest(office.secret, orjson.dumps(said, option=orjson.OPT_SORT_KEYS), "sha256").hex()  # as it was then
    (made / "manifest.json").write_text(json.dumps({**said, "mac": mac}))
    (made / "objects").unlink()
    assert (await office.restored(made, force=True)).lost == []


async def test_that_files_are_lost_is_said_with_an_exit_code_of_its_own(office: Office) -> None:
    id = await hands_in(office)
    await office.objects.delete(id)
    url = f"sqlite:///{office.path}"
    assert (await run(url, "backup", office.backups))[0] == 4
    code, said, complained = await run(url, "restore", office.backups, "--force")
    assert code == 4
    assert "restored: " in said
    assert complained.strip() == f"It was restored, but 1 files are lost (the first: {id})."


async def test_while_the_store_is_away_nothing_is_restored(office: Office) -> None:
    await hands_in(office)
    made = office.backed_up()
    url, before = f"sqlite:///{office.path}", office.path.read_bytes()
    shutil.rmtree(office.folder / "kp7.db.files")
    (office.folder / "kp7.db.files").write_text("in its place")
    code, _, complained = await run(url, "restore", made, "--force")
    assert code == 1
    assert complained.startswith("Nothing was restored: The files cannot be put back: ")
    assert office.path.read_bytes() == before


# --- S3 ---------------------------------------------------------------------------------------------------------------


async def test_from_s3_and_back(office: Office, bucket: Bucket) -> None:
    office.objects = bucket
    kept, lost = await hands_in(office), await hands_in(office)
    first = office.backed_up()
    new = await hands_in(office)
    second = office.backed_up(WHEN + DAY)
    assert place(second, kept).samefile(place(first, kept))
    await bucket.delete(lost)
    await bucket.delete(new)
    done = await office.restored(second, force=True)
    assert (done.files, done.lost) == (2, [])
    for id in (kept, lost, new):
        assert await reads(office, id) == PAPER


# --- moved ------------------------------------------------------------------------------------------------------------


async def test_files_move_from_a_folder_to_s3_and_none_is_copied_twice(office: Office, bucket: Bucket) -> None:
    url, s3 = f"sqlite:///{office.path}", "s3://papers/moved"
    access = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    ids = [await hands_in(office) for _ in range(3)]
    assert (await run(url, "files", "copy", "--to", s3, **access))[:2] == (0, "copied: 3\n")
    ids.append(await hands_in(office))
    assert (await run(url, "files", "copy", "--to", s3, **access))[:2] == (0, "copied: 1\n")
    shutil.rmtree(office.folder / "kp7.db.files")
    code, said, complained = await run(url, "backup", office.backups, files_url=s3, **access)
    assert (code, complained) == (0, "")
    assert [entry.id for entry in backup_files.entries(Path(said.strip()) / "objects")] == ids
    back = (Path(said.strip()) / "files").as_uri()
    assert (await run(url, "files", "copy", "--from", back))[:2] == (0, "copied: 4\n")
    assert await reads(office, ids[-1]) == PAPER


async def test_files_that_are_in_neither_place_are_named(office: Office, tmp_path: Path) -> None:
    url, id = f"sqlite:///{office.path}", await hands_in(office)
    await office.objects.delete(id)
    code, said, complained = await run(url, "files", "copy", "--to", (tmp_path / "new").as_uri())
    assert (code, said) == (1, "copied: 0\n")
    assert complained.strip() == f"1 files on record are in neither place (the first: {id})."
    for words in ((), ("--to", "https://example.go.th/"), ("--to", "file:///x", "--from", "file:///x")):
        code, _, complained = await run(url, "files", "copy", *words)
        assert code == 2
        assert "Traceback" not in complained


async def test_a_purge_deletes_the_files_that_nothing_refers_to(office: Office) -> None:
    """Minutes after: whoever is just writing one must not do so for ever."""
    kept, dropped = await hands_in(office), await hands_in(office)
    await takes_back(office, dropped)
    with closing(sqlite3.connect(office.path)) as connection:
        connection.execute("UPDATE files_gone SET at = at - ?", (DAY,))
        connection.commit()
    assert (await run(f"sqlite:///{office.path}", "purge"))[0] == 0
    folder = office.objects
    assert isinstance(folder, Folder)
    assert (folder.path(kept).exists(), folder.path(dropped).exists()) == (True, False)


async def test_a_purge_that_cannot_do_all_does_the_rest_and_says_so(office: Office) -> None:
    dropped = await hands_in(office)
    await takes_back(office, dropped)
    with closing(sqlite3.connect(office.path)) as connection:
        connection.execute("UPDATE files_gone SET at = at - ?", (DAY,))
        connection.execute("INSERT INTO tallies VALUES ('login', 1, 0, 1)")
        connection.execute("DROP TABLE attempts")
        connection.commit()
    code, said, complained = await run(f"sqlite:///{office.path}", "purge")
    assert (code, said) == (1, "")
    assert complained == "purge_attempts was not done: no such table: attempts\n"
    with closing(sqlite3.connect(office.path)) as connection:
        assert connection.execute("SELECT count(*) FROM tallies").fetchone() == (0,)
    assert isinstance(office.objects, Folder)
    assert not office.objects.path(dropped).exists()
