"""Where files lie, and the process that reads them: each thing that can be wrong has its sentence."""

import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from bot.doctor import papers, store
from bot.doctor.finding import Case
from bot.papers import process
from storage.bucket import Bucket
from storage.database import Database
from storage.folder import Folder
from storage.ids import new_id
from storage.objects import whole
from storage.stores import objects_at
from tests import s3
from tests.doctor.patients import case, findings, is_well, the_fault
from tests.papers.test_clamd import fake
from tests.served import free_port


async def on_record(patient: Case, *ids: str) -> None:
    url = patient.settings.database_url
    database = await Database.open(url)
    await database.migrate()
    await database.close()
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for id in ids:
            connection.execute("INSERT INTO files VALUES (?, 'p', 'k', 1, 1, 1)", (id,))
        connection.commit()


def lying(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


async def test_a_folder_that_will_be_made_and_one_that_was(tmp_path: Path) -> None:
    patient = case(tmp_path)
    assert "will be made" in await is_well(store.look, patient)
    assert not (tmp_path / "kp7.db.files").exists(), "it leaves nothing behind"
    id = new_id()
    await Folder(tmp_path / "kp7.db.files").put(id, b"a sealed paper")
    await on_record(patient, id)
    before = lying(tmp_path)
    assert "takes, gives and deletes files.\nThe 1 newest files are there." in await is_well(store.look, patient)
    assert lying(tmp_path) == before


async def test_a_bucket(tmp_path: Path, bucket: Bucket) -> None:
    patient = case(tmp_path, files_url=s3.BUCKET)
    assert await is_well(store.look, patient) == "The bucket takes, gives and deletes files."


async def test_a_bucket_that_is_away(tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    fault = await the_fault(store.look, case(tmp_path, files_url=s3.BUCKET))
    assert fault.says.startswith("Files cannot be kept: the bucket: ")
    assert "AWS_ENDPOINT_URL" in fault.mend


async def test_a_folder_that_is_gone_with_all_its_files(tmp_path: Path) -> None:
    patient = case(tmp_path)
    await on_record(patient, new_id())
    fault = await the_fault(store.look, patient)
    assert "is not there, but files are on record" in fault.says
    assert "mounted" in fault.mend


async def test_files_that_are_gone(tmp_path: Path) -> None:
    patient, ids = case(tmp_path), [new_id() for _ in range(7)]
    await on_record(patient, *ids)
    for id in ids[:-1]:
        await Folder(tmp_path / "kp7.db.files").put(id, b"a sealed paper")
    assert (
        f"1 of the 5 newest files are not where files lie (the first: {ids[-1]})."
        in (await the_fault(store.look, patient)).says
    )


def a_file(folder: Path) -> None:
    folder.write_text("")


def of_somebody_else(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    os.chown(folder, 1234, 1234)


def open_to_all(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o755)


@pytest.mark.parametrize(
    ("make", "says", "mend"),
    [
        (a_file, "is no folder.", "FILES_URL"),
        pytest.param(
            of_somebody_else, "belongs to another user", "as the user that KP7 runs as",
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away"),
        ),
        (open_to_all, "can be entered by other users", "chmod 700"),
    ],
)  # fmt: skip
async def test_a_folder_that_is_not_right(tmp_path: Path, make: Callable[[Path], None], says: str, mend: str) -> None:
    make(tmp_path / "kp7.db.files")
    fault = await the_fault(store.look, case(tmp_path))
    assert says in fault.says
    assert mend in fault.mend


class Keeps(Folder):
    """A store with versions, or an object lock."""

    async def delete(self, name: str) -> None: ...


class Muddles(Folder):
    async def get(self, name: str) -> AsyncIterator[bytes]:
        yield (await whole(super().get(name)))[::-1]


@pytest.mark.parametrize(("kind", "says"), [(Keeps, "stays there"), (Muddles, "comes back as something else")])
async def test_a_store_that_cannot_be_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Folder], says: str
) -> None:
    (tmp_path / "kp7.db.files").mkdir(mode=0o700)
    folder = objects_at(case(tmp_path).settings.files_address)
    assert isinstance(folder, Folder)
    monkeypatch.setattr(store, "objects_at", lambda _: kind(folder.root))
    assert says in (await the_fault(store.look, case(tmp_path))).says


# --- who reads them ---------------------------------------------------------------------------------------------------


async def test_the_process_that_reads_papers(tmp_path: Path) -> None:
    assert "draws a page" in await is_well(papers.look, case(tmp_path))


async def test_one_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PACKAGES", ("/nowhere",))
    fault = await the_fault(papers.look, case(tmp_path, papers_at_once=3))
    assert "does not work here (unreadable)" in fault.says
    assert "PAPERS_AT_ONCE=3" in fault.mend


@asynccontextmanager
async def scanner(folder: Path, answer: bytes | None) -> AsyncIterator[Case]:
    async with fake(folder / "clamd", answer):
        yield case(folder, clamd=str(folder / "clamd"))


async def test_a_scanner_that_knows_the_test_file(tmp_path: Path) -> None:
    async with scanner(tmp_path, None) as patient:
        assert "clamd answers, and knows" in await is_well(papers.look, patient)


async def test_a_scanner_without_signatures(tmp_path: Path) -> None:
    async with scanner(tmp_path, b"stream: OK\0") as patient:
        fault = await the_fault(papers.look, patient)
    assert (fault.level, "freshclam" in fault.mend) == ("warning", True)


async def test_a_scanner_that_is_not_there(tmp_path: Path) -> None:
    fault = await the_fault(papers.look, case(tmp_path, clamd=f"127.0.0.1:{free_port()}"))
    assert fault.says == "clamd does not answer as it should (ConnectionRefusedError): no paper can be taken in."
    found = await findings(papers.look, case(tmp_path, clamd=str(tmp_path / "nowhere")))
    assert [finding.level for finding in found] == ["ok", "wrong"]
