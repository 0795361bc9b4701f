"""Copies of an SQLite file, and its log emptied, while others are at work on it."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from storage import snapshot


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "kp7.db"
    with closing(sqlite3.connect(path)) as keeper:  # as long as somebody has it open its log stays
        keeper.execute("PRAGMA journal_mode = WAL")
        keeper.execute("CREATE TABLE keys (id, wrapped)")
        keeper.execute("INSERT INTO keys VALUES (1, 'a wrapped key')")
        keeper.commit()
        yield path


def log(path: Path) -> bytes:
    return path.with_name(f"{path.name}-wal").read_bytes()


@pytest.mark.parametrize("name", ["/etc/passwd", "../sqlite.py", "__init__.py", "0001_init.sql/", "9999_tomorrow.sql"])
def test_only_migrations_of_ours_are_opened(path: Path, name: str) -> None:
    with closing(sqlite3.connect(path)) as theirs, pytest.raises(FileNotFoundError, match="no migration of ours"):
        snapshot.strange(theirs, ["0001_init.sql", name])


def test_the_log_is_emptied(path: Path) -> None:
    assert b"a wrapped key" in log(path)
    assert snapshot.empty_log(path)
    assert log(path) == b""


def test_somebody_who_reads_for_long_holds_it_up_but_nobody_who_writes(path: Path) -> None:
    with closing(sqlite3.connect(path)) as reader, closing(sqlite3.connect(path, timeout=5)) as writer:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM keys").fetchone() == (1,)
        writer.execute("DELETE FROM keys")
        writer.commit()
        said: list[bool] = []
        emptier = threading.Thread(target=lambda: said.append(snapshot.empty_log(path)))
        emptier.start()
        waited = []
        while emptier.is_alive():
            begun = time.perf_counter()
            writer.execute("INSERT INTO keys VALUES (2, 'x')")
            writer.commit()
            waited.append(time.perf_counter() - begun)
        emptier.join()
        assert said == [False]
        assert max(waited) < 2 * snapshot.LOG_SECONDS + 0.5
        reader.rollback()
        assert snapshot.empty_log(path)


def test_a_copy_says_how_far_it_is(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "STEP", 50)
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany("INSERT INTO keys VALUES (?, ?)", [(n, "x" * 500) for n in range(4_000)])
        connection.commit()
    heard: list[tuple[int, int]] = []
    snapshot.take(path, tmp_path / "copy", lambda done, whole: heard.append((done, whole)))
    assert snapshot.counts(tmp_path / "copy") == {"keys": 4_001}
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
    assert heard[-1][0] > 0
    assert {whole for _, whole in heard} == {heard[0][1]}
    assert heard[0][1] >= 2_000_000


def test_a_copy_takes_no_others_place(path: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").write_text("something else")
    with pytest.raises(FileExistsError):
        snapshot.take(path, tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "something else"


def test_what_is_wrong_with_a_file(path: Path, tmp_path: Path) -> None:
    snapshot.take(path, tmp_path / "sound")
    assert snapshot.faults(tmp_path / "sound") == []
    (tmp_path / "text").write_text("not a database at all" * 500)
    assert snapshot.faults(tmp_path / "text") == ["file is not a database"]
    with closing(sqlite3.connect(tmp_path / "orphans")) as connection:
        connection.executescript("CREATE TABLE a (id PRIMARY KEY); CREATE TABLE b (a REFERENCES a); "
                                 "INSERT INTO b VALUES (7)")  # fmt: skip
    assert snapshot.faults(tmp_path / "orphans") == ["b refers to a missing row of a"]
