"""The head of the audit log is told off this machine: soon, but not at every line, and again until it was heard."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog

from bot.anchors import EVERY
from storage import audit
from storage.audit import Line
from tests.command import told
from tests.databases import sqlite
from tests.house import House, a_house


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "share").mkdir()
    anchor = f"{tmp_path / 'share' / 'anchors.txt'}, auditor@example.go.th"
    async with a_house(tmp_path, samples=False, audit_anchor=anchor) as house:
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
    await house.kp7.anchors.keep_up()
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
    with structlog.testing.capture_logs() as said:
        assert await comes_by(office) == []
    reasons = [entry["reason"] for entry in said if entry["event"] == "audit_not_anchored"]
    assert len(reasons) == 2, reasons
    assert any("No such file" in reason for reason in reasons)
    share(office).parent.mkdir()
    assert await comes_by(office) == [line]
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
