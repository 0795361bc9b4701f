"""Checks that HR makes in person: the queue, and the verdict that goes back into the waiting conversation.

Each row bears an HMAC over all of it, and over the chat that it was asked from (`storage/seals.py`): what KP7 did not
write is not there. So nobody who writes the database confirms anybody, or sends a verdict elsewhere.
"""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot import thai
from bot.outbox import Entry, Outbox
from bot.topic import Context
from handlers.identity import requests
from storage import audit, people
from storage.database import Database, Row, Tx, retried
from storage.ids import new_id
from storage.people import Person
from storage.seals import CHECKS
from storage.vault import Vault


@dataclass(frozen=True)
class Check:
    """One open check as HR sees it: what was typed, and whom the roster has under the ID that was typed.

    The card must be that person's, `roster_name`'s. `matches`: what of the claim agrees with the roster.
    """

    reference: str
    asked_at: int
    why: str
    name: str
    birth_date: str
    on_roster: bool
    roster_name: str
    matches: Mapping[str, bool]
    unit: str


class Undecidable(Exception):
    """`code`: unknown, decided, not_on_roster, mismatch."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def open_check(context: Context, person: Person | None, id_index: str, claim: Mapping[str, str], why: str) -> str:
    """Queue it, in place of one for this ID that this chat still waits with; returns the reference that the person
    tells the officer."""
    tx = context.tx
    await tx.run(
        "DELETE FROM identity_checks WHERE account_id = :account AND id_index = :index AND decided_at IS NULL",
        {"account": context.visitor.id, "index": id_index},
    )
    while True:
        reference = f"{secrets.randbelow(10**6):06d}"
        if not await tx.one("SELECT 1 FROM identity_checks WHERE reference = :r", {"r": reference}):
            break
    id = new_id()
    row = {
        "id": id,
        "reference": reference,
        "account_id": context.visitor.id,
        "person_id": person.id if person else None,
        "id_index": id_index,
        "key_id": context.visitor.chat_key.id,
        "claim": context.visitor.chat_key.seal(dict(claim), "identity_checks", id, "claim"),
        "why": why,
        "waits": None,
        "asked_at": context.now,
        "decided_at": None,
        "decided_by": None,
        "verdict": None,
    }
    chat = {"channel": context.visitor.channel, "external_id": context.visitor.external_id}
    await tx.run(
        f"INSERT INTO identity_checks ({', '.join(row)}, mac) VALUES ({', '.join(f':{name}' for name in row)}, :mac)",  # noqa: S608
        {**row, "mac": CHECKS.made(context.vault, {**row, **chat})},
    )
    return reference


async def _rewrite(tx: Tx, vault: Vault, row: Row, **changed: object) -> bool:
    """`row`: as it was read, and locked. False: it has been decided."""
    after = {**row, **changed}
    won = await tx.run(
        "UPDATE identity_checks SET waits = :waits, decided_at = :decided_at, decided_by = :decided_by, "
        "verdict = :verdict, mac = :new WHERE id = :id AND mac = :mac AND decided_at IS NULL",
        {**after, "new": CHECKS.made(vault, after)},
    )
    return won == 1


async def verdict_for(context: Context, reference: str) -> str | None:
    """The verdict, if there is one; else this attempt is what the verdict will be sent to."""
    row = await context.tx.one(
        CHECKS.where("t.reference = :reference AND t.account_id = :account FOR UPDATE OF t"),
        {"reference": reference, "account": context.visitor.id},
    )
    if row is None or not CHECKS.genuine(context.vault, row):
        return "refused"
    if row["verdict"]:
        return str(row["verdict"])
    waits = json.dumps([context.flow, context.key, context.attempt])
    await _rewrite(context.tx, context.vault, row, waits=waits)
    return None


_CHECK = """
SELECT c.*, a.channel, a.external_id, k.wrapped AS wrapped FROM identity_checks c
JOIN accounts a ON a.id = c.account_id JOIN keys k ON k.id = c.key_id
"""


async def list_open(tx: Tx, vault: Vault, *, by: str, now: int) -> list[Check]:
    found: list[Check] = []
    lines: list[audit.Line] = []
    for row in await tx.all(f"{_CHECK} WHERE c.decided_at IS NULL ORDER BY c.asked_at"):
        if not CHECKS.genuine(vault, row):
            continue
        claim = _claim(vault, row)
        person = await people.by_index(tx, vault, row["id_index"])
        lines.append(_line(by, "listed", person, row["reference"]))
        found.append(
            Check(
                reference=row["reference"],
                asked_at=row["asked_at"],
                why=row["why"],
                name=claim["name"],
                birth_date=claim["birth_date"],
                on_roster=person is not None,
                roster_name=person.full_name if person else "",
                matches=matches(person, claim) if person else {},
                unit=person.unit if person else "",
            )
        )
    await audit.append(tx, vault, now, lines)
    return found


@dataclass(frozen=True)
class Claimed:
    """An open check. `claim`: name, birth_date (CE ISO date or birth_unknown)."""

    reference: str
    why: str
    claim: Mapping[str, str] = field(repr=False)


async def claimed(tx: Tx, vault: Vault, id: str) -> Claimed | None:
    """Raises `Tampered`."""
    row = await tx.one(f"{_CHECK} WHERE c.id = :id AND c.decided_at IS NULL", {"id": id})
    if row is None or not CHECKS.genuine(vault, row):
        return None
    return Claimed(row["reference"], row["why"], _claim(vault, row))


def _claim(vault: Vault, row: Row) -> Mapping[str, str]:
    claim: Mapping[str, str] = vault.unwrap(row["key_id"], row["wrapped"]).open(
        row["claim"], "identity_checks", row["id"], "claim"
    )
    return claim


def _line(by: str, done: str, person: Person | None, reference: str, **more: object) -> audit.Line:
    """`person`: whom the roster has under the ID that was typed."""
    return audit.Line(by, f"identity.{done}", person.id if person else None, {"check": reference, **more})


def matches(person: Person, claim: Mapping[str, str]) -> dict[str, bool]:
    return {
        "name": thai.name_key(claim["name"]) == thai.name_key(person.name),
        "birth_date": claim["birth_date"] == person.profile["birth_date"],
    }


@retried
async def decide(
    database: Database,
    vault: Vault,
    outbox: Outbox,
    reference: str,
    *,
    confirmed: bool,
    despite_mismatch: bool = False,
    by: str,
    clock: Callable[[], int],
) -> None:
    """By the number on the person's screen. Raises `Undecidable`."""
    now = clock()
    async with database.write() as tx:
        row = await tx.one("SELECT id FROM identity_checks WHERE reference = :reference", {"reference": reference})
        if row is None:
            raise Undecidable("unknown")
        given = await give(tx, vault, row["id"], confirmed=confirmed, despite_mismatch=despite_mismatch, by=by, now=now)
        await outbox.insert(tx, given.entries)
        # last: from here on others who write into the log wait for us
        await audit.append(tx, vault, now, [given.line])


@dataclass(frozen=True)
class Given:
    """A verdict on a check: what goes into the outbox and, last, into the audit log."""

    verdict: str
    entries: Sequence[Entry]
    line: audit.Line


async def give(
    tx: Tx,
    vault: Vault,
    id: str,
    *,
    confirmed: bool,
    despite_mismatch: bool = False,
    by: str,
    now: int,
    **detail: str,
) -> Given:
    """One verdict per check, whoever asks first. `detail`: more for the audit log. Raises `Undecidable`."""
    # locked: whoever begins to wait meanwhile is not forgotten
    row = await tx.one(f"{_CHECK} WHERE c.id = :id FOR UPDATE OF c", {"id": id})
    if row is None or not CHECKS.genuine(vault, row):
        raise Undecidable("unknown")
    person = await people.by_index(tx, vault, row["id_index"])
    disagrees = False
    if confirmed:
        if person is None:
            raise Undecidable("not_on_roster")
        disagrees = not all(matches(person, _claim(vault, row)).values())
        if disagrees and not despite_mismatch:
            raise Undecidable("mismatch")
    verdict = "confirmed" if confirmed else "refused"
    if not await _rewrite(tx, vault, row, decided_at=now, decided_by=by, verdict=verdict):
        raise Undecidable("decided")
    if confirmed and person:  # HR has seen the person: a lock that guessing led to is lifted
        await tx.run("UPDATE people SET wrong_codes = 0 WHERE id = :id", {"id": person.id})
        await requests.lock_lifted(tx, vault, person.id, now)
    line = _line(by, verdict, person, row["reference"], mismatch=disagrees, **detail)
    return Given(verdict, _answer(vault, row, now, confirmed=confirmed), line)


def _answer(vault: Vault, row: Row, now: int, *, confirmed: bool) -> list[Entry]:
    """Back into the conversation, if it still waits."""
    if not row["waits"]:
        return []
    flow, key, attempt = json.loads(row["waits"])
    answer: dict[str, Any] = {"value": True} if confirmed else {"error": "officer_refused"}
    content = {
        "channel": row["channel"],
        "external_id": row["external_id"],
        "result": {"flow": flow, "key": key, "attempt": attempt, **answer},
    }
    chat_key = vault.unwrap(row["key_id"], row["wrapped"])
    return [Entry.make("event", "verdict", content, chat_key, now=now, account_id=row["account_id"], due_at=now)]


async def unblock(tx: Tx, vault: Vault, national_id: str, *, by: str, now: int) -> bool:
    """Forget this person's wrong codes, locks and used-up allowances. False: nobody has this ID."""
    person = await people.by_index(tx, vault, people.national_id_index(vault, national_id))
    if person is None:
        return False
    await lift(tx, vault, person, now)
    await audit.append(tx, vault, now, [audit.Line(by, "identity.unblocked", person.id)])
    return True


async def lift(tx: Tx, vault: Vault, person: Person, now: int) -> None:
    subjects = [person.id, people.national_id_index(vault, person.profile["national_id"])]
    if person.email:
        index = people.address_index(vault, person.email.address)
        subjects += [index, f"{index}:own"]
    await tx.run("UPDATE people SET wrong_codes = 0 WHERE id = :id", {"id": person.id})
    await tx.many(
        "DELETE FROM attempts WHERE subject = :subject AND kind NOT LIKE 'factor%'",  # those are the second factor's
        [{"subject": subject} for subject in subjects],
    )
    await requests.lock_lifted(tx, vault, person.id, now)
