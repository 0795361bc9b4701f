"""Whatever dies in between, what is referred to is there, and what is not goes."""

import asyncio
import hashlib
import os
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage import files, holdings
from storage.database import Database
from storage.files import GONE_MS, UNHELD_MS, Bounds, Files
from storage.folder import Folder
from storage.objects import Missing, Pieces, Unstored, pieces, whole
from storage.people import national_id_index
from storage.roster import write_roster
from storage.stores import objects_at
from storage.vault import Key, Tampered, Vault
from tests.storage.test_holdings import REGISTRY
from tests.storage.test_roster import SOMCHAI

VAULT = Vault(b"a master key that is used in tests only")
PAPER = b"%PDF-1.7 the ID card of somebody " * 1_000
NOW = 1_800_000_000_000


class Cabinet:
    """One person, and where their papers lie."""

    def __init__(self, database: Database, root: Path) -> None:
        self.database, self.folder = database, Folder(root)
        self.files = Files(database, self.folder)
        self.person, self.key = "", VAULT.new_key()[0]

    async def put(self, data: bytes = PAPER, now: int = NOW) -> files.File:
        return await self.files.put(self.person, self.key, data, now)

    async def receive(self, bounds: Bounds | None = None, *, size: int = len(PAPER)) -> str:
        return await self.files.receive(self.person, self.key, pieces(PAPER), size, NOW, bounds)

    async def hold(self, id: str, person: str = "") -> bool:
        async with self.database.write() as tx:
            return await files.hold(tx, id, person or self.person)

    async def drop(self, id: str, now: int = NOW) -> None:
        async with self.database.write() as tx:
            await files.drop(tx, [id], now)

    async def erase(self) -> None:
        async with self.database.write() as tx:
            subject = await holdings.find(tx, VAULT, national_id_index(VAULT, SOMCHAI.national_id))
            await holdings.delete(tx, REGISTRY.holds, subject, NOW)

    async def rows(self) -> list[str]:
        async with self.database.read() as tx:
            rows = await tx.all("SELECT id FROM files UNION ALL SELECT id FROM files_gone")
        return [row["id"] for row in rows]

    @property
    def lying(self) -> list[str]:
        return sorted(path.name for path in self.folder.root.rglob("*") if path.is_file())


@pytest.fixture
async def cabinet(database: Database, tmp_path: Path) -> Cabinet:
    made = Cabinet(database, tmp_path / "files")
    async with database.write() as tx:
        await write_roster(tx, VAULT, [SOMCHAI], 1)
        row = await tx.one("SELECT p.id, k.id AS key_id, k.wrapped FROM people p JOIN keys k ON k.id = p.key_id")
    assert row
    key = VAULT.key_of(row)
    assert key
    made.person, made.key = row["id"], key
    return made


async def test_what_was_put_is_read_again_and_lies_there_sealed_for_its_owner_only(cabinet: Cabinet) -> None:
    file = await cabinet.put()
    assert await cabinet.files.get(file.id, cabinet.key) == PAPER
    assert (file.sha256, file.bytes) == (hashlib.sha256(PAPER).hexdigest(), len(PAPER))
    path = cabinet.folder.path(file.id)
    assert b"somebody" not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == cabinet.folder.root.stat().st_mode & 0o077 == 0
    async with cabinet.database.read() as tx:
        (row,) = await tx.all("SELECT * FROM files")
    assert file.sha256 not in str(row)


async def test_a_file_that_was_edited_swapped_or_opened_with_another_key_does_not_open(cabinet: Cabinet) -> None:
    one, other = await cabinet.put(), await cabinet.put(b"another")
    with pytest.raises(Tampered):
        await cabinet.files.get(one.id, VAULT.new_key()[0])
    path, sealed = cabinet.folder.path(one.id), cabinet.folder.path(one.id).read_bytes()
    for wrong in (cabinet.folder.path(other.id).read_bytes(), sealed[:-1], sealed[:5], b"", sealed[:-1] + b"?"):
        path.write_bytes(wrong)
        with pytest.raises(Tampered):
            await cabinet.files.get(one.id, cabinet.key)
    path.unlink()
    with pytest.raises(Missing):
        await cabinet.files.get(one.id, cabinet.key)


async def test_a_file_is_held_once_and_by_its_owner_only(cabinet: Cabinet) -> None:
    file = await cabinet.put()
    assert not await cabinet.hold(file.id, person="somebody else")
    assert await cabinet.hold(file.id)
    assert not await cabinet.hold(file.id)
    assert not await cabinet.hold("no such file")


async def test_what_nothing_holds_goes_after_a_day_and_what_is_held_stays(cabinet: Cabinet) -> None:
    held, loose = await cabinet.put(), await cabinet.put()
    assert await cabinet.hold(held.id)
    await cabinet.files.sweep(NOW + UNHELD_MS)
    assert cabinet.lying == sorted([held.id, loose.id])
    await cabinet.files.sweep(NOW + UNHELD_MS + 1)
    assert not await cabinet.hold(loose.id)
    await cabinet.files.sweep(NOW + UNHELD_MS + GONE_MS + 2)
    assert cabinet.lying == await cabinet.rows() == [held.id]
    assert await cabinet.files.get(held.id, cabinet.key) == PAPER


async def test_what_was_dropped_is_gone_from_the_disk_minutes_later(cabinet: Cabinet) -> None:
    file = await cabinet.put()
    assert await cabinet.hold(file.id)
    await cabinet.drop(file.id)
    await cabinet.drop(file.id)  # twice: a row that nobody has is no error
    await cabinet.files.sweep(NOW + GONE_MS)
    assert cabinet.lying == [file.id]
    assert not await cabinet.files.sweep(NOW + GONE_MS + 1)
    assert cabinet.lying == await cabinet.rows() == []


async def test_the_papers_of_whoever_is_erased_go_with_them(cabinet: Cabinet) -> None:
    for _ in range(3):
        assert await cabinet.hold((await cabinet.put()).id)
    await cabinet.erase()
    await cabinet.files.sweep(NOW + GONE_MS + 1)
    assert cabinet.lying == await cabinet.rows() == []


async def test_a_crash_before_the_object_and_one_in_the_midst_of_it_leave_nothing(cabinet: Cabinet) -> None:
    whole = await cabinet.put()
    path = cabinet.folder.path(whole.id)
    path.rename(path.with_name(f"{whole.id}.half"))
    await cabinet.files.sweep(NOW + UNHELD_MS + 1)
    await cabinet.files.sweep(NOW + UNHELD_MS + GONE_MS + 2)
    assert cabinet.lying == await cabinet.rows() == []


async def test_somebody_erased_while_their_file_is_being_written_leaves_nothing(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = cabinet.folder.put

    async def slow(name: str, data: Pieces) -> None:
        await cabinet.erase()
        await cabinet.files.sweep(NOW + 1)
        await put(name, data)

    monkeypatch.setattr(cabinet.folder, "put", slow)
    file = await cabinet.put()
    assert not await cabinet.hold(file.id)
    assert cabinet.lying == [file.id]
    await cabinet.files.sweep(NOW + GONE_MS + 1)
    assert cabinet.lying == await cabinet.rows() == []


async def test_a_store_that_cannot_take_it_says_so_and_leaves_nothing_half(cabinet: Cabinet, tmp_path: Path) -> None:
    cabinet.folder.root.mkdir()
    cabinet.folder.root.chmod(0o700)
    for letter in "0123456789abcdefghjkmnpqrstvwxyz":
        for other in "0123456789abcdefghjkmnpqrstvwxyz":
            (cabinet.folder.root / (letter + other)).touch()  # a file stands where the folder should
    with pytest.raises(Unstored):
        await cabinet.put()
    assert all(len(name) == 2 for name in cabinet.lying)


@pytest.mark.parametrize("url", ["", "file:///", "file://host/folder", "s3:///prefix", "https://example.org/x", "/tmp"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        objects_at(url)


def test_an_address_of_a_folder_may_hold_blanks_and_thai() -> None:
    found = objects_at("file:///srv/%E0%B9%80%E0%B8%AD%E0%B8%81%20%E0%B8%AA%E0%B8%B2%E0%B8%A3")
    assert isinstance(found, Folder)
    assert found.root == Path("/srv/เอก สาร")


def test_a_key_of_bytes_is_not_one_of_values() -> None:
    key: Key = VAULT.new_key()[0]
    with pytest.raises(Tampered):
        key.open_bytes(b"", "files", "1", "object")


async def test_let_go_is_what_nothing_holds(cabinet: Cabinet) -> None:
    held, loose = await cabinet.put(), await cabinet.put()
    assert await cabinet.hold(held.id)
    async with cabinet.database.write() as tx:
        await files.let_go(tx, [held.id, loose.id, "570000000000000001"], NOW)
    await cabinet.files.sweep(NOW + GONE_MS + 1)
    assert await cabinet.rows() == cabinet.lying == [held.id]


async def test_so_many_bytes_in_hand_and_no_more(cabinet: Cabinet) -> None:
    """Who has asked for more than it took makes room for others; so does who is done, or fails."""
    took: list[str] = []

    async def takes(name: str, most: int, found: int, over: asyncio.Event) -> None:
        async with cabinet.files.in_hand(most) as bytes_are:
            await bytes_are(found)
            took.append(name)
            await over.wait()
            raise OSError(name)

    async def until(count: int) -> None:
        async with asyncio.timeout(30):
            while len(took) < count:  # noqa: ASYNC110
                await asyncio.sleep(0)

    first, others = asyncio.Event(), asyncio.Event()
    most = files.IN_HAND
    tasks = [
        asyncio.create_task(takes("large", most, most - 10, first)),
        asyncio.create_task(takes("waits", most, 10, others)),
        asyncio.create_task(takes("small", 10, 10, others)),
    ]
    await until(2)
    assert took == ["large", "small"]
    first.set()
    others.set()
    await until(3)
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(30), cabinet.files.in_hand(most):
        pass


async def test_of_many_uploads_at_once_no_more_are_taken_than_may_wait(cabinet: Cabinet) -> None:
    done = await asyncio.gather(
        *(cabinet.receive(Bounds(3, 10 * len(PAPER), 100)) for _ in range(8)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in done) == ["Crowded"] * 5 + ["str"] * 3
    with pytest.raises(files.Crowded):
        await cabinet.receive(Bounds(10, 4 * len(PAPER) - 1, 100))
    assert len(cabinet.lying) == 3


@pytest.mark.parametrize("size", [len(PAPER) - 1, len(PAPER) + 1, 0])
async def test_what_is_not_as_long_as_it_said_is_not_kept(cabinet: Cabinet, size: int) -> None:
    with pytest.raises(Unstored):
        await cabinet.receive(size=size)
    assert await cabinet.rows(), "it is still to be deleted"
    await cabinet.files.sweep(NOW + GONE_MS + 1)
    assert cabinet.lying == await cabinet.rows() == []


@pytest.mark.parametrize("breaks", [RuntimeError("the phone has gone"), asyncio.CancelledError()])
async def test_what_breaks_off_is_not_kept_and_does_not_count(cabinet: Cabinet, breaks: BaseException) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield PAPER[:1_000]
        raise breaks

    for _ in range(3):
        with pytest.raises(type(breaks)):
            await cabinet.files.receive(
                cabinet.person, cabinet.key, half(), len(PAPER), NOW, Bounds(1, len(PAPER), 100)
            )
    await cabinet.receive(Bounds(1, len(PAPER), 100))
    await cabinet.files.sweep(NOW + GONE_MS + 1)
    assert len(cabinet.lying) == len(await cabinet.rows()) == 1


async def test_no_more_than_a_little_of_a_file_is_in_memory_while_it_is_kept(cabinet: Cabinet) -> None:
    piece, count = bytes(65_536), 320

    async def coming() -> AsyncIterator[bytes]:
        for _ in range(count):
            yield piece

    tracemalloc.start()
    try:
        id = await cabinet.files.receive(cabinet.person, cabinet.key, coming(), count * len(piece), NOW)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert cabinet.folder.path(id).stat().st_size > 20 * 2**20
    assert most < 4 * 2**20


async def test_so_many_in_a_day_whatever_becomes_of_them(cabinet: Cabinet) -> None:
    """Else whoever sends what nobody asked for would fill the disk."""
    bounds = Bounds(2, 10 * len(PAPER), 5)
    for _ in range(5):
        id = await cabinet.receive(bounds)
        async with cabinet.database.write() as tx:
            await files.let_go(tx, [id], NOW)
        await cabinet.files.sweep(NOW + 1)
        assert cabinet.lying == [], "and it does not wait for ten minutes"
    with pytest.raises(files.Crowded):
        await cabinet.receive(bounds)


async def test_the_last_of_the_disk_is_not_for_files(cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.folder.RESERVE", 2**60)
    monkeypatch.setattr("storage.folder.RESERVED", 1)
    with pytest.raises(Unstored, match="No space left"):
        await cabinet.put()
    assert cabinet.lying == []


async def test_nothing_is_put_for_somebody_who_has_gone(cabinet: Cabinet) -> None:
    await cabinet.erase()
    with pytest.raises(KeyError):
        await cabinet.put()
    assert cabinet.lying == []


@pytest.mark.parametrize("name", ["", "a/b", "/etc/passwd", "../x", "a" * 25, "A" * 26, "a" * 27, "a\n" * 13])
async def test_a_name_that_is_none_of_ours_leads_nowhere(tmp_path: Path, name: str) -> None:
    """Whoever writes the table could have anything read and carried away, or keep everything from being deleted."""
    folder = Folder(tmp_path)
    for asked in (whole(folder.get(name)), folder.put(name, b"x"), folder.delete(name)):
        with pytest.raises(Missing):
            await asked
    assert os.listdir(tmp_path) == []


async def test_one_odd_row_keeps_no_other_from_being_deleted(cabinet: Cabinet) -> None:
    file = await cabinet.put()
    await cabinet.drop(file.id)
    async with cabinet.database.write() as tx:
        await files.leave(tx, ["a/b"], 0)
    await cabinet.files.sweep(NOW + GONE_MS + 1)
    assert (cabinet.lying, await cabinet.rows()) == ([], [])
