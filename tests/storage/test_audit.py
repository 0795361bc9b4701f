"""Every edit, deletion, swap, insertion and truncation of the audit log is found; and what was told stays told."""

import asyncio
import random
import sqlite3
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest

from storage import audit
from storage.audit import Head, Line, Verdict, Verifier
from storage.database import Database, Row, Tx
from storage.ids import new_id
from storage.opening import opened
from storage.vault import Tampered, Vault
from tests.databases import on_a_file

MASTER = b"a master key that is used in tests only"
LINES = 60
PEOPLE = [new_id() for _ in range(7)]


class Undo(Exception):
    """Takes a transaction back."""


class Log:
    def __init__(self, database: Database, vault: Vault) -> None:
        self.database, self.vault = database, vault

    async def append(self, *lines: Line, at: int = 1_800_000_000_000) -> None:
        async with self.database.write() as tx:
            await audit.append(tx, self.vault, at, lines)

    async def head(self) -> Head:
        async with self.database.read() as tx:
            head = await audit.head(tx)
        assert head
        return head

    async def verdict(self, tx: Tx | None = None, anchors: tuple[Head, ...] = ()) -> Verdict:
        if tx is None:
            async with self.database.read() as tx:
                return await self.verdict(tx, anchors)
        verifier = Verifier(self.vault)
        async for _ in verifier.run(tx):
            pass
        await verifier.anchored(tx, anchors)
        return verifier.verdict

    async def run(self, sql: str, **params: object) -> int:
        async with self.database.write() as tx:
            return await tx.run(sql, params)


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[Log]:
    database = await Database.open(database_url)
    yield Log(database, await opened(database, MASTER))
    await database.close()


def some(n: int) -> list[Line]:
    return [Line(f"cli:officer{i % 3}", "roster.changed", PEOPLE[i % 7], {"row": i}) for i in range(n)]


# --- whole ------------------------------------------------------------------------------------------------------------


async def test_a_new_log_is_whole_and_so_is_one_that_grew_in_sets_of_any_size(log: Log) -> None:
    assert await log.verdict() == Verdict(0, 0, (), 0)
    for n in (1, 500, 0, 3):
        await log.append(*some(n))
        assert (await log.verdict()).count == 0
    assert (await log.head()).seq == (await log.verdict()).lines == 504


async def test_a_set_is_three_statements_however_long(log: Log) -> None:
    async with log.database.write() as tx:
        before = tx.writes
        await audit.append(tx, log.vault, 1, some(500))
        assert tx.writes - before == 3


async def test_what_is_rolled_back_was_never_said(log: Log) -> None:
    await log.append(*some(2))
    with suppress(Undo):
        async with log.database.write() as tx:
            await audit.append(tx, log.vault, 1, some(5))
            raise Undo
    await log.append(*some(1))
    assert await log.verdict() == Verdict(3, 0, (), 0)


async def test_many_who_write_at_once_make_one_chain(log: Log, database_url: str) -> None:
    """On PostgreSQL over connections of their own, as several processes do."""
    others = [await Database.open(database_url) for _ in range(3)]
    try:
        await asyncio.gather(*(Log(other, log.vault).append(*some(n % 4 + 1)) for n in range(20) for other in others))
    finally:
        for other in others:
            await other.close()
    assert await log.verdict() == Verdict(150, 0, (), 0)


async def test_lines_are_shown_by_person_and_day_in_their_order(log: Log) -> None:
    await log.append(Line("cli:malee", "person.shown", PEOPLE[0], {"why": "คำขอ"}), at=1_000)
    await log.append(Line("cli:malee", "policy.set"), Line("cli:anan", "person.shown", PEOPLE[1]), at=2_000)
    async with log.database.read() as tx:
        everything = [line async for line in audit.show(tx)]
        hers = [line async for line in audit.show(tx, subject=PEOPLE[1])]
        later = [line["seq"] async for line in audit.show(tx, since=1_001)]
    assert everything[0] == {
        "seq": 1, "at": 1_000, "actor": "cli:malee", "action": "person.shown", "subject": PEOPLE[0],
        "detail": {"why": "คำขอ"}, "damaged": False,
    }  # fmt: skip
    assert [line["seq"] for line in hers] == [3]
    assert later == [2, 3]


async def test_more_than_a_page_is_shown_and_verified_whole(log: Log) -> None:
    await log.append(*some(2 * audit.PAGE))
    async with log.database.read() as tx:
        assert [line["seq"] async for line in audit.show(tx)] == list(range(1, 2 * audit.PAGE + 1))
    assert await log.verdict() == Verdict(2 * audit.PAGE, 0, (), 0)
    await log.run("DELETE FROM audit WHERE seq = :seq", seq=audit.PAGE)  # the last of a page
    assert [(fault.seq, fault.code) for fault in (await log.verdict()).faults] == [(audit.PAGE, "missing")]


# --- tampered with ----------------------------------------------------------------------------------------------------

Tamper = Callable[[Tx, random.Random], Awaitable[int]]


async def edit(tx: Tx, dice: random.Random) -> int:
    """One column of one line; sometimes to a value that another line really has."""
    column = dice.choice(("at", "actor", "action", "subject", "detail", "mac"))
    other: object = dice.choice(("1", "cli:nobody", None, 7, b"\x00", "{}"))
    if dice.random() < 0.5:
        row = await tx.one(f"SELECT {column} AS value FROM audit WHERE seq = :seq", {"seq": dice.randint(1, LINES)})
        assert row
        other = row["value"]
    if other is None and column != "subject":
        other = ""
    return await tx.run(
        f"UPDATE audit SET {column} = :other WHERE seq = :seq AND {column} IS NOT :other",
        {"other": other, "seq": dice.randint(1, LINES)},
    )


async def delete(tx: Tx, dice: random.Random) -> int:
    """One or some, and sometimes the rest moves up so that no number is missing."""
    first = dice.randint(1, LINES)
    n = dice.randint(1, min(5, LINES - first + 1))
    gone = await tx.run("DELETE FROM audit WHERE seq BETWEEN :a AND :b", {"a": first, "b": first + n - 1})
    if dice.random() < 0.5:
        for seq in range(first + n, LINES + 1):
            await tx.run("UPDATE audit SET seq = :new WHERE seq = :seq", {"new": seq - n, "seq": seq})
        await tx.run("UPDATE audit_head SET seq = seq - :n", {"n": n})
    return gone


async def swap(tx: Tx, dice: random.Random) -> int:
    one, other = dice.sample(range(1, LINES + 1), 2)
    for old, new in ((one, -1), (other, one), (-1, other)):
        await tx.run("UPDATE audit SET seq = :new WHERE seq = :old", {"new": new, "old": old})
    return 1


async def insert(tx: Tx, dice: random.Random) -> int:
    """A copy of a line, in between (the rest moves down), at the end, or without a number."""
    place = dice.choice((dice.randint(1, LINES), LINES + 1))
    for seq in range(LINES, place - 1, -1):
        await tx.run("UPDATE audit SET seq = :new WHERE seq = :seq", {"new": seq + 1, "seq": seq})
    if dice.random() < 0.5:
        await tx.run("UPDATE audit_head SET seq = seq + 1")
    source = dice.choice([seq for seq in range(1, LINES + 1) if seq != place])
    return await tx.run(
        "INSERT INTO audit SELECT :place, at, actor, action, subject, detail, mac FROM audit WHERE seq = :source",
        {"place": dice.choice((place, place, "word")), "source": source},
    )


async def cut_off(tx: Tx, dice: random.Random) -> int:
    """The last lines, with the head set to where the log ends now, or left; or the whole log, head and all."""
    left = dice.choice((0, dice.randint(0, LINES - 1)))
    gone = await tx.run("DELETE FROM audit WHERE seq > :left", {"left": left})
    if dice.random() < 0.7:
        await tx.run(
            "UPDATE audit_head SET seq = :left, "
            "last = COALESCE((SELECT mac FROM audit WHERE seq = :left), (SELECT last FROM audit_head))",
            {"left": left},
        )
    elif dice.random() < 0.3:
        await tx.run("DELETE FROM audit_head")
    return gone


@on_a_file  # the tampering is written for it; what finds it is the same everywhere
async def test_a_thousand_random_tamperings_are_all_found(log: Log) -> None:
    await log.append(*some(LINES))
    done = dict.fromkeys((edit, delete, swap, insert, cut_off), 0)
    turn = 0
    while sum(done.values()) < 1_000:
        turn += 1
        dice = random.Random(turn)
        tamper = dice.choice(list(done))
        with suppress(Undo):
            async with log.database.write() as tx:
                if await tamper(tx, dice):  # an edit to what stood there already is none
                    done[tamper] += 1
                    assert (await log.verdict(tx)).count, f"turn {turn}: {tamper.__name__} was not found"
                raise Undo
    assert min(done.values()) > 150
    assert (await log.verdict()).count == 0


WEIRD = (
    "NULL", "''", "'zzz'", "'ข'", "char(0)", "x''", "x'00ff'", "CAST(x'ff' AS TEXT)", "0", "-1", "1.5", "9e999",
    "9223372036854775807", "-9223372036854775808", "'{'", "'null'", "'[1]'", "'5abc'",
)  # fmt: skip
LOOSE = {
    "audit": "CREATE TABLE audit (seq, at, actor, action, subject, detail, mac)",
    "audit_head": "CREATE TABLE audit_head (id, seq, last, mac)",
}


@on_a_file  # where a column takes anything, also once somebody has taken its type away
@pytest.mark.parametrize("loose", [False, True], ids=["typed", "loose"])
@pytest.mark.parametrize(("table", "columns"), [(table, sql[:-1].split("(")[1]) for table, sql in LOOSE.items()])
async def test_whatever_stands_in_a_column_is_found_and_shown_and_stops_nobody(
    log: Log, table: str, columns: str, loose: bool
) -> None:
    await log.append(Line("cli:malee", "policy.set", None, {"id": "x"}), *some(4))
    if loose:
        kept = await _rows(log, f"SELECT * FROM {table}")
        await log.run(f"DROP TABLE {table}")
        await log.run(LOOSE[table])
        async with log.database.write() as tx:
            await tx.many(f"INSERT INTO {table} VALUES ({', '.join(f':{name}' for name in kept[0])})", kept)
    await log.run("INSERT INTO policy VALUES ('x', '', '', '', NULL, '', 0, '')")
    tried = 0
    for column in columns.split(", "):
        for value in WEIRD:
            for seq in (1, 3, 5):
                where = f"{column} IS NOT {value} AND {'seq' if table == 'audit' else 5} = {seq}"
                try:
                    before = await _rows(log, f"SELECT * FROM {table}")
                    if not await log.run(f"UPDATE {table} SET {column} = {value} WHERE {where}"):
                        continue
                except sqlite3.IntegrityError:
                    continue  # its type or constraint is still there
                tried += 1
                what = f"{column} = {value} of {seq}"
                assert (await log.verdict()).count, f"{what} was not found"
                async with log.database.read() as tx:
                    shown = [line async for line in audit.show(tx)]
                assert len(shown) >= 4, what
                if table == "audit" and (column, value) in {("detail", "'{'"), ("at", "'zzz'"), ("actor", "x'00ff'")}:
                    assert [line["damaged"] for line in shown] == [line["seq"] == seq for line in shown], what
                if table == "audit_head":
                    with pytest.raises(Tampered):
                        await log.append(*some(1))
                async with log.database.write() as tx:
                    await tx.run(f"DELETE FROM {table}")
                    await tx.many(f"INSERT INTO {table} VALUES ({', '.join(f':{name}' for name in before[0])})", before)
                assert (await log.verdict()).count == 0, f"put back: {what}"
    assert tried >= (36 if table == "audit_head" else 200)


async def _rows(log: Log, sql: str) -> list[Row]:
    async with log.database.read() as tx:
        return await tx.all(sql)


async def test_another_key_makes_no_line_that_fits(log: Log) -> None:
    """Somebody with the database and the program, but not the key."""
    await log.append(*some(3))
    forger = Vault(b"another master key, of another house")
    with pytest.raises(Tampered):
        async with log.database.write() as tx:
            await audit.append(tx, forger, 1, some(1))
    assert (await log.verdict()).count == 0


@pytest.mark.parametrize("seq", [0, -1, -(1 << 63)])
async def test_a_line_before_the_first_is_found(log: Log, seq: int) -> None:
    """All that is in the chain is as it was, and so is its end."""
    await log.append(*some(3))
    await log.run(f"INSERT INTO audit SELECT {seq}, at, actor, action, subject, detail, mac FROM audit WHERE seq = 1")
    assert (await log.verdict()).count == 1


async def test_nothing_is_appended_to_a_log_whose_end_was_tampered_with(log: Log) -> None:
    """It would be made whole again, and nobody would know."""
    await log.append(*some(5))
    await log.run("DELETE FROM audit WHERE seq > 3")
    await log.run("UPDATE audit_head SET seq = 3, last = (SELECT mac FROM audit WHERE seq = 3)")
    with pytest.raises(Tampered):
        await log.append(*some(1))
    await log.run("DELETE FROM audit")
    await log.run("DELETE FROM audit_head")
    with pytest.raises(Tampered):
        await log.append(*some(1))
    await opened(log.database, MASTER)  # nor is a log that has vanished begun anew
    assert [fault.code for fault in (await log.verdict()).faults] == ["head"]


# --- anchors ----------------------------------------------------------------------------------------------------------


async def test_an_older_copy_put_back_whole_is_found_by_what_was_told(log: Log) -> None:
    await log.append(*some(3))
    told = [await log.head()]
    async with log.database.read() as tx:
        before = await tx.one("SELECT * FROM audit_head")
    assert before
    await log.append(*some(2))
    told.append(await log.head())
    assert await log.verdict(anchors=tuple(told)) == Verdict(5, 2, (), 0)
    await log.run("DELETE FROM audit WHERE seq > 3")
    await log.run("UPDATE audit_head SET seq = :seq, last = :last, mac = :mac WHERE id = :id", **before)
    assert (await log.verdict()).count == 0, "without anchors it looks whole"
    faults = (await log.verdict(anchors=tuple(told))).faults
    assert [(fault.seq, fault.code) for fault in faults] == [(5, "anchor")]


async def test_a_log_made_anew_with_the_key_itself_is_found_by_what_was_told(log: Log) -> None:
    await log.append(*some(3))
    told = await log.head()
    await log.run("DELETE FROM audit")
    await log.run("DELETE FROM audit_head")
    async with log.database.write() as tx:
        await audit.begin(tx, log.vault)
        await audit.append(tx, log.vault, 1_800_000_000_000, some(4)[1:])
    assert (await log.verdict()).count == 0
    assert (await log.verdict(anchors=(told,))).count == 1


async def test_an_anchored_line_reads_as_it_was_written(log: Log) -> None:
    await log.append(*some(1))
    head = await log.head()
    line = audit.anchor_line(head, 1_795_230_245_000)
    assert line == f"2026-11-21T03:04:05Z 1 {head.mac}"
    assert audit.read_anchor(f"{line}\n") == head
    for wrong in ("", "hello", line[:-1], line.replace(" 1 ", " x ")):
        with pytest.raises(ValueError):  # noqa: PT011  whichever
            audit.read_anchor(wrong)


async def test_memory_does_not_grow_with_the_log(log: Log) -> None:
    peaks = []
    for _ in range(2):
        for _ in range(20):
            await log.append(*some(500))
        tracemalloc.start()
        assert (await log.verdict()).count == 0
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0], "twice as many lines"
