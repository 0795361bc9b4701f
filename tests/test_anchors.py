"""The head of the audit log is told off this machine: soon, but not at every line, and again until it was heard."""

import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from bot.anchors import EVERY
from bot.doctor import anchors as checked
from bot.doctor.finding import Case
from storage import audit
from storage.audit import Line
from tests.command import told
from tests.databases import sqlite
from tests.house import House, a_house
from tests.unfit import UNFIT, put, take_away


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "share").mkdir()
    anchor = f"{tmp_path / 'share' / 'anchors.txt'}, auditor@example.go.th"
    async with a_house(tmp_path, samples=False, audit_anchor=anchor) as house:
        await house.kp7.schedule.stop()  # it comes by when a test says so
        yield house


async def somebody_looks(house: House) -> str:
    """At what is not theirs; → the anchor that this makes."""
    async with house.kp7.database.write() as tx:
        await audit.append(tx, house.kp7.vault, house.clock(), [Line("cli:malee", "person.shown", "somchai")])
        head = await audit.head(tx)
    assert head
    return f"{head.seq} {head.mac}"


async def comes_by(house: House) -> list[str]:
    """The schedule; → what the file on the share says, without times."""
    await house.kp7.schedule.once()
    file = share(house)
    return [line.split(" ", 1)[1] for line in file.read_text().splitlines()] if file.exists() else []


def share(house: House) -> Path:
    return sqlite(house.kp7.database).path.parent / "share" / "anchors.txt"


def test_the_schedule_comes_by_often_enough_for_five_minutes() -> None:
    from bot.schedule import EVERY_SECONDS

    assert EVERY + 2 * EVERY_SECONDS * 1000 <= 5 * 60_000


async def test_file_and_mailbox_are_told_when_the_log_has_moved_and_not_more_often(office: House) -> None:
    assert await comes_by(office) == []
    first = await somebody_looks(office)
    assert await comes_by(office) == [first]
    mail = await office.post.mail_to("auditor@example.go.th")
    assert first in office.post.text(mail)
    assert share(office).stat().st_mode & 0o077 == 0
    second = await somebody_looks(office)
    assert await comes_by(office) == [first], "just told"
    office.clock.forward(minutes=5)
    assert await comes_by(office) == [first, second]
    office.clock.forward(minutes=5)
    assert await comes_by(office) == [first, second], "nothing new"
    assert len(office.post.mails) == 2


async def test_who_could_not_be_told_is_told_the_next_time(office: House) -> None:
    share(office).parent.rmdir()
    office.post.refusals.append("451 later")
    line = await somebody_looks(office)
    assert await comes_by(office) == []
    assert office.kp7.schedule.standing
    why = office.kp7.schedule.standing.failing["anchor_audit"].why
    assert "No such file" in why
    assert "mail server" in why, "and the other reason"
    share(office).parent.mkdir()
    assert await comes_by(office) == [line]
    assert not office.kp7.schedule.standing.failing
    assert line in office.post.text(await office.post.mail_to("auditor@example.go.th"))


async def test_an_auditor_checks_the_log_against_the_share(office: House) -> None:
    for _ in range(3):
        await somebody_looks(office)
    code, line = await told(office, "audit", "anchor")
    assert code == 0
    assert line.split()[1] == "3"
    anchors = ("audit", "verify", "--anchor", str(share(office)))
    assert await told(office, *anchors) == (0, "3 lines, 1 anchored lines: whole\n")
    async with office.kp7.database.write() as tx:
        await tx.run("UPDATE audit SET actor = 'cli:nobody' WHERE seq = 2")
        await tx.run("DELETE FROM audit WHERE seq = 3")
    code, said = await told(office, *anchors)
    assert code == 1
    assert "line 2 was edited" in said
    assert "line 3 is missing" in said
    assert "line 3 is not the one that was anchored" in said
    assert "NOT WHOLE" in said
    share(office).write_text("hello\n")
    assert (await told(office, *anchors))[0] == 2


# --- a file that is not what it was -----------------------------------------------------------------------------------


def cut(path: Path) -> None:
    path.write_text(path.read_text().split("\n", 1)[0] + "\n")


AWAY: dict[str, Callable[[Path], object]] = {
    "put aside": Path.unlink,
    "emptied": lambda path: path.write_text(""),
    "cut": cut,
    "of another log": lambda path: path.write_text("2026-11-21T03:04:05Z 7 " + 64 * "0" + "\n"),
    **{what: partial(put, what) for what in UNFIT},
}


async def verified(house: House) -> tuple[int, set[str]]:
    code, said = await told(house, "audit", "verify", "--json")
    return code, {fault["fault"] for fault in json.loads(said)["faults"]}


async def doctor_says(house: House) -> dict[str, str]:
    return {finding.level: finding.says async for finding in checked.look(Case(house.settings))}


@pytest.mark.parametrize("how", AWAY)
async def test_a_file_without_what_it_was_told_is_a_fault_until_somebody_begins_another(
    office: House, how: str
) -> None:
    for _ in range(2):
        await somebody_looks(office)
        await comes_by(office)
        office.clock.forward(minutes=5)
    assert await verified(office) == (0, set())
    assert set(await doctor_says(office)) == {"ok"}
    AWAY[how](share(office))
    code, faults = await verified(office)
    assert (code, "aside" in faults) == (1, True)
    assert str(share(office)) in (await doctor_says(office))["wrong"]
    third = await somebody_looks(office)
    for _ in range(2):  # it is told, where it can be; but that mends nothing
        await office.kp7.schedule.once()
        assert office.kp7.schedule.standing
        assert str(share(office)) in office.kp7.schedule.standing.failing["anchor_audit"].why
    assert how in UNFIT or share(office).read_text().endswith(f" {third}\n")
    assert (await verified(office))[0] == 1

    code, said = await told(office, "audit", "anchor")
    assert (code, "is not a regular file" in said) == ((1, True) if how in UNFIT else (0, False))
    take_away(share(office))
    assert (await told(office, "audit", "anchor"))[0] == 0
    assert await verified(office) == (0, set())
    await office.kp7.schedule.once()
    assert office.kp7.schedule.standing
    assert not office.kp7.schedule.standing.failing


async def test_an_older_database_put_back_beside_a_file_put_aside_is_found(office: House) -> None:
    """It says itself that it has told somebody."""
    await somebody_looks(office)
    await comes_by(office)
    share(office).rename(share(office).with_name("aside"))
    code, said = await told(office, "audit", "verify")
    assert code == 1
    assert "line 1 was told to AUDIT_ANCHOR and is not there" in said
    assert "NOT WHOLE" in said


async def test_where_nothing_was_ever_told_nothing_is_missing(office: House) -> None:
    await somebody_looks(office)
    assert await verified(office) == (0, set())
    assert set(await doctor_says(office)) == {"ok"}


@pytest.mark.parametrize("noted", ["seq = 1, at = :now", "seq = :seq, at = :now", "seq = 'x', at = 'y'", "seq = 9"])
async def test_whoever_writes_the_notes_stops_nobody(office: House, noted: str) -> None:
    """A file is told in time. A mailbox, which may have been told by another process, within the hour."""
    first = await somebody_looks(office)
    assert await comes_by(office) == [first]
    second = await somebody_looks(office)
    for minutes in (5, 59):
        office.clock.forward(minutes=minutes)
        async with office.kp7.database.write() as tx:
            given = {"now": office.clock(), "seq": 2}
            await tx.run(f"UPDATE audit_anchors SET {noted}", {k: v for k, v in given.items() if f":{k}" in noted})
        assert await comes_by(office) == [first, second]
    assert second in "".join(map(office.post.text, office.post.mails))


async def test_a_line_that_a_crash_has_cut_in_half_hides_none_of_the_others(office: House) -> None:
    """What stands on a share that can only be appended to cannot be mended."""
    await somebody_looks(office)
    await told(office, "audit", "anchor")
    whole = share(office).read_text()
    share(office).write_text(whole[:30] + "\n" + whole[:-1][:50] + whole)
    share(office).write_text(share(office).read_text() + whole)
    assert (await told(office, "audit", "verify"))[0] == 0
    async with office.kp7.database.write() as tx:
        await tx.run("DELETE FROM audit WHERE seq = 1")
    code, said = await told(office, "audit", "verify")
    assert code == 1
    assert "line 1 is not the one that was anchored" in said


async def test_a_line_without_end_is_none(office: House, tmp_path: Path) -> None:
    await somebody_looks(office)
    (tmp_path / "long").write_bytes(b"x" * 300)
    assert (await told(office, "audit", "verify", "--anchor", str(tmp_path / "long")))[0] == 2
    put("a pipe", tmp_path / "pipe")
    code, said = await told(office, "audit", "verify", "--anchor", str(tmp_path / "pipe"))
    assert (code, said) == (2, f"{tmp_path / 'pipe'} is not a regular file.\n")


@pytest.mark.parametrize("table", ["audit", "audit_head", "audit_anchors", "policy"])
async def test_a_table_that_was_dropped_is_said_in_a_sentence(office: House, table: str) -> None:
    await somebody_looks(office)
    async with office.kp7.database.write() as tx:
        await tx.run(f"DROP TABLE {table}")
    code, said = await told(office, "audit", "verify")
    assert code == 1
    assert said.startswith(f"The database is not whole: no such table: {table}. ")
    assert said.count("\n") == 1
