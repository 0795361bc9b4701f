"""The ledger of who was erased: nothing is lost, nothing can be written into it by others."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from storage.erasures import NEVER, Erasure, Erasures, Ledger, together

SECRET = b"a secret that only the vault knows"
ONE, TWO = Erasure(1_800_000_000_000, ("key-1", "key-2")), Erasure(1_800_000_000_500, ("key-3",))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "kp7.db.erased", SECRET)


def read(ledger: Ledger) -> Erasures:
    found = ledger.read()
    assert found
    return found


def test_what_was_written_stands_there_for_its_owner_only(ledger: Ledger) -> None:
    assert ledger.read() is None
    ledger.begin(7)
    ledger.begin(9)
    ledger.add([ONE])
    ledger.add([TWO])
    assert read(ledger) == Erasures(7, (ONE, TWO))
    assert read(ledger).keys == ["key-1", "key-2", "key-3"]
    assert ledger.path.stat().st_mode & 0o077 == 0


def test_half_a_line_that_a_crash_left_harms_neither_those_before_nor_those_after(ledger: Ledger) -> None:
    ledger.begin(7)
    ledger.add([ONE])
    whole = ledger.path.read_bytes()
    for length in range(len(whole.splitlines()[-1])):
        ledger.path.write_bytes(whole + whole.splitlines()[-1][:length])
        assert read(ledger) == Erasures(7, (ONE,))
        ledger.add([TWO])
        assert read(ledger) == Erasures(7, (ONE, TWO))


def edits(lines: list[bytes]) -> list[list[bytes]]:
    erasure = json.loads(lines[1])
    return [
        [lines[0], json.dumps({**erasure, "keys": ["key-of-another"]}).encode(), *lines[2:]],
        [lines[0], json.dumps({**erasure, "at": 1}).encode(), *lines[2:]],
        [lines[0], json.dumps({"at": 1, "keys": []}).encode(), *lines[2:]],
        [lines[0], lines[1][:-5], *lines[2:]],
        [lines[0], b"", *lines[2:]],
        [lines[0], b"[]", *lines[2:]],
        [lines[0], lines[1].replace(b'"mac":"', b'"mac":"\xff'), *lines[2:]],
    ]


def test_a_line_that_was_edited_is_not_believed_and_is_named(ledger: Ledger) -> None:
    ledger.begin(7)
    ledger.add([ONE])
    ledger.add([TWO])
    for lines in edits(ledger.path.read_bytes().splitlines()):
        ledger.path.write_bytes(b"\n".join(lines) + b"\n")
        assert read(ledger) == Erasures(7, (TWO,), damaged=(2,))


def test_another_offices_ledger_is_not_believed(ledger: Ledger) -> None:
    Ledger(ledger.path, b"another secret").add([ONE], since=7)
    assert read(ledger) == Erasures(NEVER, (), damaged=(1, 2))


def test_without_its_first_line_nobody_can_say_that_it_is_complete(ledger: Ledger) -> None:
    ledger.begin(7)
    ledger.add([ONE])
    ledger.path.write_bytes(ledger.path.read_bytes().split(b"\n", 1)[1])
    assert read(ledger) == Erasures(NEVER, (ONE,))


def test_from_when_on_it_is_complete_can_only_be_said_later(ledger: Ledger) -> None:
    ledger.begin(7)
    ledger.add([ONE], since=99)
    assert read(ledger) == Erasures(99, (ONE,))


def test_together_they_know_what_one_of_them_knows() -> None:
    assert together([Erasures(0, (TWO, ONE)), Erasures(5, (ONE,)), Erasures(NEVER)]) == (ONE, TWO)


WRITER = """
import sys
from pathlib import Path
from storage.erasures import Erasure, Ledger
ledger = Ledger(Path(sys.argv[1]), b"a secret that only the vault knows")
for n in range(50):
    ledger.add([Erasure(n, (f"{sys.argv[2]}-{n}",))])
"""


def test_two_who_write_at_once_lose_nothing(ledger: Ledger) -> None:
    ledger.begin(7)
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    writers = [
        subprocess.Popen((sys.executable, "-c", WRITER, str(ledger.path), name), env=env) for name in ("a", "b", "c")
    ]
    assert [writer.wait(30) for writer in writers] == [0, 0, 0]
    found = read(ledger)
    assert found.damaged == ()
    assert len(found.keys) == 150
