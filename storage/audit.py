"""The audit log: who read or changed personal data that are not theirs, or somebody's rights.

A line is written in the transaction of the thing itself, so that neither is without the other. Each line bears an
HMAC-SHA-256 over the one before and all of its own fields; the head bears one over where the log ends, in a context of
its own. So without the key no line can be edited, deleted, swapped, inserted or cut off at the end unnoticed. Whoever
has the key, or puts back an older copy of the whole database, is found out by anchors: heads that were told to
somebody off this machine.

The protocol of `append`, the same on every database:

1. one UPDATE of the head takes the numbers, and makes others who append wait until this transaction ends;
2. a head that does not fit its HMAC is not written over: that would cover up what was done to it;
3. the lines, one statement; the new head, one statement.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from storage.database import Row, Tx
from storage.macs import fits, mac
from storage.vault import Tampered, Vault

PAGE = 2_000
MOST = 1 << 62  # lines
LAST_MOMENT = 253_370_764_800_000  # the year 9999: what comes after is no time to any calendar
ERASED = "person.erased"  # an action; its detail names the `keys` that were destroyed
SHOWN = 100  # faults that are told one by one


@dataclass(frozen=True)
class Line:
    """`by`: channel and name (`cli:malee`). `action`: `thing.done`. `subject`: a person's id. `detail`: small JSON.

    No personal data in any of them: the log outlives whom it tells of.
    """

    by: str
    action: str
    subject: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Head:
    seq: int
    mac: str


@dataclass(frozen=True)
class Fault:
    """`code`: edited, missing (this line and perhaps more), head (where the log ends is not where it says that it
    ends), anchor (this line was told to somebody, and is another one now or gone), aside (this line was told to a file
    in which it no longer stands), rule (this line tells of a row of the table `policy` that is gone), altered (… that
    was edited), unlogged (such a row that no line tells of; `seq` is 0), back (this
    line tells of an erasure, and what was erased is there again), ungranted (the table `grants` has a row that no line
    tells of; `seq` is 0), put_back (this line tells of the end of a role that has not ended in that table), reopened (…
    of a verdict on what waits for one), factorless (… of a second factor that is not there), replaced (… of a second
    factor in whose place another one stands, or of the end of one that is there again; `seq` is 0 where no line
    tells of any)."""

    seq: int
    code: str


@dataclass(frozen=True)
class Verdict:
    """`faults`: the first `SHOWN` of them, `count` in all."""

    lines: int
    anchors: int
    faults: tuple[Fault, ...]
    count: int


async def begin(tx: Tx, vault: Vault) -> None:
    """Once in a database's life, at its first opening."""
    key = _key(vault)
    start = _start(key)
    await tx.run(
        "INSERT INTO audit_head (id, seq, last, mac) VALUES (1, 0, :last, :mac) ON CONFLICT DO NOTHING",
        {"last": start, "mac": mac(key, *_HEAD, 0, start)},
    )


async def renew_head(tx: Tx, vault: Vault) -> bool:
    """Is this log from before there were seals (`storage/seals.py`)? True once: then its head is one of today.

    Nobody without the key makes that true again, but by putting back the whole log as it was then: which anchors tell.
    """
    key = _key(vault)
    row = await tx.one("SELECT seq, last, mac FROM audit_head WHERE id = 1")
    if row is None or not fits(row["mac"], key, "head", row["seq"], row["last"]):
        return False
    if await tx.one("SELECT 1 FROM audit WHERE seq > :seq LIMIT 1", row):
        return False
    renewed = await tx.run(
        "UPDATE audit_head SET mac = :new WHERE id = 1 AND mac = :mac",
        {"mac": row["mac"], "new": mac(key, *_HEAD, row["seq"], row["last"])},
    )
    return renewed == 1


async def append(tx: Tx, vault: Vault, now: int, lines: Sequence[Line]) -> None:
    """Raises `Tampered`: then nothing may be done that could not be written down."""
    if not lines:
        return
    key = _key(vault)
    heads = await tx.all(
        "UPDATE audit_head SET seq = seq + :n WHERE id = 1 AND seq BETWEEN 0 AND :most RETURNING seq, last, mac",
        {"n": len(lines), "most": MOST},  # SQLite would add to words, too
    )
    if not heads:
        raise Tampered("audit")
    seq, last = heads[0]["seq"] - len(lines), heads[0]["last"]
    if not fits(heads[0]["mac"], key, *_HEAD, seq, last):
        raise Tampered("audit")
    rows: list[Row] = []
    for line in lines:
        seq += 1
        row = {
            "seq": seq,
            "at": now,
            "actor": line.by,
            "action": line.action,
            "subject": line.subject,
            "detail": orjson.dumps(line.detail, option=orjson.OPT_SORT_KEYS).decode(),
        }
        last = mac(key, "line", last, *_fields(row))
        rows.append({**row, "mac": last})
    await tx.each(_INSERT, rows)
    await tx.run(
        "UPDATE audit_head SET last = :last, mac = :mac WHERE id = 1",
        {"last": last, "mac": mac(key, *_HEAD, seq, last)},
    )


_INSERT = """
INSERT INTO audit (seq, at, actor, action, subject, detail, mac)
SELECT CAST(value ->> 'seq' AS BIGINT), CAST(value ->> 'at' AS BIGINT), value ->> 'actor', value ->> 'action',
       value ->> 'subject', value ->> 'detail', value ->> 'mac'
FROM each(:batch) WHERE true RETURNING seq
"""


async def stands(tx: Tx, vault: Vault, subject: str, done: str, undone: str) -> bool:
    """Was `done` written of them later than any `undone`? The latter counts only if it is genuine; and a line that was
    taken out is missed by `verify`."""
    key = _key(vault)
    rows = await tx.all(
        "SELECT l.*, b.mac AS before FROM audit l LEFT JOIN audit b ON b.seq = l.seq - 1 "
        "WHERE l.subject = :subject AND l.action IN (:done, :undone) ORDER BY l.seq DESC",
        {"subject": subject, "done": done, "undone": undone},
    )
    for row in rows:
        if row["action"] == done:
            return True
        if _written_by_us(key, row):
            return False
    return False


async def last(tx: Tx, vault: Vault, subjects: Sequence[str], actions: tuple[str, str]) -> dict[str, Row]:
    """Of each of them who has any: the last line with one of these actions. That none was taken out after it, `verify`
    says."""
    return {row["subject"]: row for row in await _genuine(tx, vault, subjects, actions)}


async def details(tx: Tx, vault: Vault, subjects: Sequence[str], action: str) -> list[Mapping[str, Any]]:
    """Of all lines of this action on them."""
    return [orjson.loads(row["detail"]) for row in await _genuine(tx, vault, subjects, (action, action))]


async def _genuine(tx: Tx, vault: Vault, subjects: Sequence[str], actions: tuple[str, str]) -> list[Row]:
    """Lines with one of these actions on them, the oldest first. What KP7 did not write is not even read."""
    key = _key(vault)
    rows = await tx.each(
        "SELECT l.*, b.mac AS before FROM each(:batch) e JOIN audit l ON l.subject = e.value ->> 'id' "
        "LEFT JOIN audit b ON b.seq = l.seq - 1 WHERE l.action IN (:one, :other) ORDER BY l.seq",
        [{"id": subject} for subject in subjects],
        {"one": actions[0], "other": actions[1]},
    )
    return [row for row in rows if _written_by_us(key, row)]


def _written_by_us(key: bytes, row: Row) -> bool:
    """`row`: with `before`, the HMAC of the line before it."""
    return fits(row["mac"], key, "line", row["before"] or _start(key), *_fields(row))


# --- looking at it ----------------------------------------------------------------------------------------------------


async def head(tx: Tx) -> Head | None:
    """Where the log says that it ends; None before its first line. Raises `Tampered` where that is no place at all."""
    row = await tx.one("SELECT seq, last FROM audit_head WHERE id = 1 AND seq <> 0")
    if row and not _placed(row):
        raise Tampered("audit")
    return Head(row["seq"], row["last"]) if row else None


def _placed(row: Row) -> bool:
    return isinstance(row["seq"], int) and 0 <= row["seq"] <= MOST and isinstance(row["last"], str)


async def show(tx: Tx, *, subject: str = "", since: int = 0) -> AsyncIterator[Row]:
    """Lines with at, actor, action, subject and detail (opened), oldest first, a page at a time.

    `damaged`: something in it is of a kind that KP7 never wrote; it is left as it is. Only `Verifier` finds the rest.
    """
    which = ("AND subject = :subject " if subject else "") + ("AND at >= :since" if since else "")
    after = 0
    while True:
        rows = await tx.all(
            f"SELECT seq, at, actor, action, subject, detail FROM audit "  # noqa: S608  its parts are constants
            f"WHERE seq > :after {which} ORDER BY seq LIMIT {PAGE}",
            {"after": after, **({"since": since} if since else {}), **({"subject": subject} if subject else {})},
        )
        for row in rows:
            yield _opened(row)
        if len(rows) < PAGE:
            return
        after = rows[-1]["seq"]


def _opened(row: Row) -> Row:
    numbers = isinstance(row["seq"], int) and isinstance(row["at"], int) and 0 <= row["at"] < LAST_MOMENT
    words = all(isinstance(row[name], str) for name in ("actor", "action", "detail"))
    words = words and isinstance(row["subject"], str | None)
    try:
        detail = orjson.loads(row["detail"])
    except ValueError:  # which says so, too, where it is not even text
        return {**row, "damaged": True}
    return {**row, "detail": detail, "damaged": not (numbers and words and isinstance(detail, dict))}


class Verifier:
    """Reads the whole log once, in pages: memory does not grow with it. `async for done in verifier.run(tx)`."""

    def __init__(self, vault: Vault) -> None:
        self._key = _key(vault)
        self._faults: list[Fault] = []
        self._count = self._lines = self._anchors = 0
        self._rules: dict[str, int] = {}  # id of a row → the line that tells of it
        self._destroyed: dict[str, int] = {}  # id of a key → likewise
        self._granted: dict[str, int] = {}  # id of a grant
        self._ended: dict[str, int] = {}
        self._factors: dict[str, tuple[int, int]] = {}  # id of who has one → likewise, and when it was set up
        self._reset: dict[str, int] = {}  # id of who has none any more
        self._checks: dict[str, tuple[int, int]] = {}  # number of a check that was decided → likewise, and when
        self._requests: dict[str, int] = {}  # id of a request that was decided

    @property
    def verdict(self) -> Verdict:
        return Verdict(self._lines, self._anchors, tuple(self._faults), self._count)

    async def run(self, tx: Tx) -> AsyncIterator[int]:
        """Chain and head, and the rules that it tells of; yields how many lines have been read. In one transaction,
        which nobody else changes."""
        row = await tx.one("SELECT seq, last, mac FROM audit_head WHERE id = 1")
        end, end_last = (row["seq"], row["last"]) if row and _placed(row) else (0, "")
        if not row or not fits(row["mac"], self._key, *_HEAD, row["seq"], row["last"]):
            self._fault(end, "head")
        last, seq = _start(self._key), 0
        while True:
            page = await tx.all(f"SELECT * FROM audit WHERE seq > :seq ORDER BY seq LIMIT {PAGE}", {"seq": seq})  # noqa: S608
            for line in page:
                if not isinstance(line["seq"], int):  # SQLite lets whoever edits the file put words for numbers
                    self._fault(seq + 1, "edited")
                    return
                if seq + 1 < line["seq"]:
                    self._fault(seq + 1, "missing")
                elif not fits(line["mac"], self._key, "line", last, *_fields(line)):
                    self._fault(line["seq"], "edited")
                else:
                    self._learn(line)
                seq, last = line["seq"], line["mac"]
            self._lines += len(page)
            yield self._lines
            if len(page) < PAGE:
                break
        if seq < end:
            self._fault(seq + 1, "missing")
        elif row and (seq, last) != (end, end_last):
            self._fault(end, "head")
        counted = await tx.one("SELECT COUNT(*) AS n FROM audit")
        if counted and counted["n"] != self._lines:  # lines without a number, which no page shows
            self._fault(0, "edited")
        await self._compare_keys(tx)
        await self._compare_rules(tx)
        await self._compare_officers(tx)
        await self._compare_verdicts(tx)

    def _learn(self, line: Row) -> None:
        """A genuine line: what must be so in the tables since."""
        seq, subject, action = line["seq"], line["subject"], line["action"]
        if action not in _TELLING and not action.startswith("request."):
            return
        detail = orjson.loads(line["detail"])
        match action:
            case "policy.set":
                self._rules[detail.get("id", "")] = seq
            case "person.erased":
                self._destroyed.update(dict.fromkeys(detail.get("keys", ()), seq))
            case "officer.granted":
                self._granted[detail.get("grant", "")] = seq
            case "officer.ended":
                self._ended[detail.get("grant", "")] = seq
            case "factor.set_up":
                self._factors[subject] = seq, line["at"]
            case "officer.factor_reset":
                self._factors.pop(subject, None)
                self._reset[subject] = seq
            case "identity.confirmed" | "identity.refused":
                self._checks[detail.get("check", "")] = seq, line["at"]
            case _:
                self._requests[detail.get("request", "")] = seq

    async def _compare_officers(self, tx: Tx) -> None:
        """No row of a role is there without its line, or open after its end; what was set up is there."""
        for row in await tx.all("SELECT id, ended_at FROM grants ORDER BY id"):
            if row["id"] not in self._granted:
                self._fault(0, "ungranted")
            elif row["ended_at"] is None and row["id"] in self._ended:
                self._fault(self._ended[row["id"]], "put_back")
        for row in await tx.each(_FACTORLESS, [{"id": id} for id in self._factors]):
            self._fault(self._factors[row["id"]][0], "factorless")
        for row in await tx.all(
            "SELECT person_id, confirmed_at FROM second_factors WHERE confirmed_at IS NOT NULL ORDER BY person_id"
        ):
            seq, at = self._factors.get(row["person_id"], (self._reset.get(row["person_id"], 0), None))
            if row["confirmed_at"] != at:
                self._fault(seq, "replaced")

    async def _compare_verdicts(self, tx: Tx) -> None:
        """What was decided waits no more. (The number of a check is used again, once its row has gone.)"""
        for row in await tx.all("SELECT reference, asked_at FROM identity_checks WHERE decided_at IS NULL"):
            seq, at = self._checks.get(row["reference"], (0, 0))
            if seq and isinstance(row["asked_at"], int) and row["asked_at"] <= at:
                self._fault(seq, "reopened")
        for row in await tx.all("SELECT id FROM requests WHERE decided_at IS NULL ORDER BY id"):
            if row["id"] in self._requests:
                self._fault(self._requests[row["id"]], "reopened")

    async def _compare_rules(self, tx: Tx) -> None:
        """Rows of `policy` are only ever added, each with a line. (For what is in them: `altered`.)"""
        whole = not self._count
        there = {row["id"] for row in await tx.all("SELECT id FROM policy")}
        for id, seq in self._rules.items():
            if id and id not in there:
                self._fault(seq, "rule")
        if whole:  # else the line that tells of one may be a line that is not genuine
            for _ in there - self._rules.keys():
                self._fault(0, "unlogged")

    async def _compare_keys(self, tx: Tx) -> None:
        """Keys that were destroyed are never made again."""
        for back in await tx.each(
            "SELECT id FROM keys WHERE id IN (SELECT value ->> 'id' FROM each(:batch)) ORDER BY id",
            [{"id": id} for id in self._destroyed],
        ):
            self._fault(self._destroyed[back["id"]], "back")

    def altered(self, rules: Iterable[str]) -> None:
        """Ids of rows of `policy` whose HMAC does not fit. Those that no line tells of are `unlogged` already."""
        for seq in sorted(self._rules[id] for id in rules if id in self._rules):
            self._fault(seq, "altered")

    def aside(self, seq: int) -> None:
        """A line that was told to a file, which no longer has it."""
        self._fault(seq, "aside")

    async def anchored(self, tx: Tx, anchors: Sequence[Head]) -> None:
        """Does the log still hold what was told? Call it for some hundred at a time."""
        known = {
            row["seq"]: row["mac"]
            for row in await tx.each(
                "SELECT a.seq AS seq, a.mac AS mac FROM each(:batch) e "
                "JOIN audit a ON a.seq = CAST(e.value ->> 'seq' AS BIGINT)",
                [{"seq": anchor.seq} for anchor in anchors],
            )
        }
        self._anchors += len(anchors)
        for anchor in anchors:
            if known.get(anchor.seq) != anchor.mac:
                self._fault(anchor.seq, "anchor")

    def _fault(self, seq: int, code: str) -> None:
        self._count += 1
        if len(self._faults) < SHOWN:
            self._faults.append(Fault(seq, code))


_TELLING = frozenset({
    "policy.set", ERASED, "officer.granted", "officer.ended", "factor.set_up", "officer.factor_reset",
    "identity.confirmed", "identity.refused",
})  # fmt: skip
_FACTORLESS = """
SELECT p.id FROM each(:batch) e JOIN people p ON p.id = e.value ->> 'id'
LEFT JOIN second_factors f ON f.person_id = p.id AND f.confirmed_at IS NOT NULL WHERE f.person_id IS NULL ORDER BY p.id
"""


# --- anchors ----------------------------------------------------------------------------------------------------------


def anchor_line(head: Head, now: int) -> str:
    """`2026-11-21T03:04:05Z 1234 <64 hex digits>`: time, number and HMAC of the last line."""
    return f"{datetime.fromtimestamp(now // 1000, UTC):%Y-%m-%dT%H:%M:%SZ} {head.seq} {head.mac}"


def read_anchor(line: str) -> Head:
    """Raises `ValueError`."""
    _, seq, last = line.split()
    if len(last) != 64 or not 0 < int(seq) <= MOST:
        raise ValueError(line)
    return Head(int(seq), last)


# --- what is hashed ---------------------------------------------------------------------------------------------------


_HEAD = ("head", "sealed")  # only "head" until there were seals


def _key(vault: Vault) -> bytes:
    return vault.secret("audit")


def _start(key: bytes) -> str:
    return mac(key, "start")


def _fields(row: Row) -> tuple[Any, ...]:
    return row["seq"], row["at"], row["actor"], row["action"], row["subject"], row["detail"]
