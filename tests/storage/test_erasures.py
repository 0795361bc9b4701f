"""The ledger of who was erased: nothing is lost, nothing can be written into it by others."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from storage import erasures
from storage.erasures import NEVER, Broken, Erasure, Erasures, Ledger, lacking, together
from tests.unfit import UNFIT, put

SECRET = b"a secret that only the vault knows"
ONE, TWO = Erasure(1_800_000_000_000, ("key-1", "key-2")), Erasure(1_800_000_000_500, ("key-3",))
THREE = Erasure(1_800_000_001_000, ("key-4",))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "kp7.db.erased", SECRET)


def read(ledger: Ledger) -> Erasures:
    found = ledger.read()
    assert found
    return found


def test_what_was_written_stands_there_for_its_owner_only(ledger: Ledger) -> None:
    assert ledger.read() is None
    ledger.add(since=7)
    ledger.add([ONE])
    ledger.add([TWO])
    assert read(ledger) == Erasures(7, (ONE, TWO))
    assert read(ledger).keys == ["key-1", "key-2", "key-3"]
    assert ledger.path.stat().st_mode & 0o077 == 0


def test_half_a_line_that_a_crash_left_harms_neither_those_before_nor_those_after(ledger: Ledger) -> None:
    ledger.add(since=7)
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
    ledger.add(since=7)
    ledger.add([ONE])
    ledger.add([TWO])
    for lines in edits(ledger.path.read_bytes().splitlines()):
        ledger.path.write_bytes(b"\n".join(lines) + b"\n")
        assert read(ledger) == Erasures(7, (TWO,), broken=2)


def test_another_offices_ledger_is_not_believed(ledger: Ledger) -> None:
    Ledger(ledger.path, b"another secret").add([ONE], since=7)
    assert read(ledger) == Erasures(NEVER, (), broken=1)


def test_begun_by_an_erasure_it_is_complete_from_ever(ledger: Ledger) -> None:
    ledger.add([ONE])
    assert read(ledger) == Erasures(0, (ONE,))


def test_without_its_first_line_nobody_can_say_that_it_is_complete(ledger: Ledger) -> None:
    ledger.add(since=7)
    ledger.add([ONE])
    ledger.path.write_bytes(ledger.path.read_bytes().split(b"\n", 1)[1])
    assert read(ledger) == Erasures(NEVER, (ONE,), broken=1)


def tampered(lines: list[bytes]) -> dict[str, tuple[list[bytes], str]]:
    """What somebody may do to the four lines of a file, and how it is said."""
    return {
        "the first line gone": (lines[1:], "Line 1 of"),
        "one in the middle gone": ([*lines[:2], *lines[3:]], "Line 3 of"),
        "two in the middle gone": ([lines[0], lines[3]], "Line 2 of"),
        "the last line gone": (lines[:3], "The last lines of"),
        "all but the first gone": (lines[:1], "The last lines of"),
        "everything gone": ([], "is missing"),
        "two swapped": ([lines[0], lines[2], lines[1], lines[3]], "Line 2 of"),
        "the last two swapped": ([*lines[:2], lines[3], lines[2]], "Line 3 of"),
        "one twice": ([*lines[:2], *lines[1:]], "Line 3 of"),
        "the first one again at the end": ([*lines, lines[0]], "Line 5 of"),
        "the end of the last one gone": ([*lines[:3], lines[3][:-3]], "Line 4 of"),
        "as it was before lines were chained": ([b'{"since":7,"mac":"00"}'], "Line 1 of"),
    }


@pytest.mark.parametrize("what", tampered([b"", b"", b"", b""]))
def test_that_lines_are_missing_is_said_and_nothing_is_added_to_hide_it(ledger: Ledger, what: str) -> None:
    ledger.add([ONE])
    ledger.add([TWO])
    end = ledger.add([THREE])
    whole = ledger.path.read_bytes()
    assert ledger.fault(end) == ""
    lines, sentence = tampered(whole.splitlines())[what]
    left = b"".join(line + b"\n" for line in lines)
    ledger.path.write_bytes(left)
    assert sentence in ledger.fault(end)
    with pytest.raises(Broken, match="new-ledger"):
        ledger.add([ONE], end=end)
    assert ledger.path.read_bytes() == left


def test_more_lines_than_the_database_knows_of_are_fine(ledger: Ledger) -> None:
    """As a crash leaves it, between the ledger and the database."""
    end = ledger.add([ONE])
    ledger.add([TWO], end=end)
    assert ledger.fault(end) == ""
    ledger.add([THREE], end=end)
    assert read(ledger) == Erasures(0, (ONE, TWO, THREE))


def test_what_still_stands_in_a_broken_one_is_taken_along(ledger: Ledger, tmp_path: Path) -> None:
    for erasure in (ONE, TWO, THREE):
        ledger.add([erasure])
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    ledger.path.write_bytes(b"".join([*lines[:2], lines[3]]))
    aside = tmp_path / "aside"
    end = ledger.renew(99, aside)
    assert ledger.fault(end) == ""
    assert read(ledger) == Erasures(99, (ONE, THREE))
    assert aside.read_bytes() == b"".join([*lines[:2], lines[3]])


@pytest.mark.parametrize("what", UNFIT)
@pytest.mark.parametrize("known", ["", "a line"])
def test_what_is_no_file_is_named_and_can_be_replaced(ledger: Ledger, tmp_path: Path, what: str, known: str) -> None:
    put(what, ledger.path)
    assert ledger.fault(known) == f"{ledger.path} is not a regular file."
    with pytest.raises(Broken, match="is not a regular file"):
        ledger.add([ONE], end=known)
    ledger.renew(99, tmp_path / "aside")
    assert os.path.lexists(tmp_path / "aside")
    assert read(ledger) == Erasures(99)


def test_a_link_to_a_ledger_is_one(ledger: Ledger, tmp_path: Path) -> None:
    ledger.add([ONE])
    ledger.path.rename(tmp_path / "elsewhere")
    ledger.path.symlink_to(tmp_path / "elsewhere")
    ledger.add([TWO])
    assert ledger.fault("") == ""
    assert read(ledger) == Erasures(0, (ONE, TWO))
    assert ledger.path.is_symlink()


def test_where_it_cannot_lie_is_said(tmp_path: Path) -> None:
    nowhere = Ledger(tmp_path / "nowhere" / "erased", SECRET)
    assert "There is no folder" in nowhere.fault("")
    with pytest.raises(Broken, match="cannot be opened: No such file"):
        nowhere.add([ONE])


def test_one_that_is_larger_than_any_is_not_read(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.add([ONE])
    whole = ledger.path.read_bytes()
    monkeypatch.setattr(erasures, "MOST", len(whole) - 1)
    assert "is larger than" in ledger.fault("")
    with pytest.raises(Broken, match="is larger than"):
        ledger.add([TWO])
    assert ledger.path.read_bytes() == whole


def test_one_that_says_it_is_complete_and_lacks_what_another_knows(ledger: Ledger) -> None:
    assert lacking(Erasures(7, (ONE,)), [Erasures(NEVER), Erasures(NEVER, (TWO,))])
    assert not lacking(Erasures(7, (ONE, TWO)), [Erasures(0, (TWO,))])
    assert not lacking(Erasures(TWO.at + 1, ()), [Erasures(0, (ONE, TWO))]), "it does not say so"


def test_from_when_on_it_is_complete_can_only_be_said_later(ledger: Ledger) -> None:
    ledger.add(since=7)
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
    ledger.add(since=7)
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    writers = [
        subprocess.Popen((sys.executable, "-c", WRITER, str(ledger.path), name), env=env) for name in ("a", "b", "c")
    ]
    assert [writer.wait(30) for writer in writers] == [0, 0, 0]
    found = read(ledger)
    assert found.broken == 0
    assert len(found.keys) == 150
