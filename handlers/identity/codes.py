"""Mailed codes: issue, guess, spend. Rules OTP1 to OTP8 of `docs/security.md`.

A code is six random digits from pyotp, each from a secret of its own that is thrown away; only a keyed hash is
stored, which binds it to chat, person, purpose, address and time. The
protocol of a guess, all in the turn's transaction:

1. limits over all chats of this person, and over everybody;
2. one conditional UPDATE counts the guess, if the code still lives: the row count says so;
3. only then the hashes are compared;
4. right: one conditional UPDATE ends the code, so that of many right answers one wins.
"""

import secrets
from dataclasses import dataclass

import pyotp

from bot.events import Invalid
from bot.outbox import SECRET
from bot.times import HOUR, MINUTE, moment
from bot.topic import Context
from handlers.identity import requests
from storage import attempts
from storage.attempts import Limit
from storage.database import Row
from storage.ids import new_id
from storage.macs import fits, mac
from storage.people import Person, address_index

_REFERENCE = "ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: read aloud and not mistaken


@dataclass(frozen=True)
class Issued:
    reference: str
    expires_at: int


# What a code is good for. Under its keyed hash, so that whoever writes the database cannot turn one into another.
_BOUND = ("id", "account_id", "person_id", "purpose", "address_index", "issued_at", "expires_at")


def _sealed(context: Context, row: Row, *what: object) -> tuple[bytes, object, *tuple[object, ...]]:
    """`what`: the code; or, once it was entered, "used" and when."""
    return (context.vault.secret("codes"), *(row[column] for column in _BOUND), *what)


def when(context: Context, milliseconds: int) -> dict[str, object]:
    """Day and time for a sentence."""
    then = moment(milliseconds, context.settings.timezone)
    return {"day": then.date(), "time": then}


async def _refuse_if_locked(context: Context, person: Person) -> None:
    s, now = context.settings, context.now
    lock = s.code_lock_minutes * MINUTE
    locked = await attempts.times(context.tx, "locked", person.id, now - lock)
    until = max((at + lock for at in locked), default=0)
    limit = Limit(s.wrong_codes_per_hour, s.wrong_codes_per_day)
    until = max(until, await attempts.blocked_until(context.tx, "wrong_code", {person.id: limit}, now))
    if person.wrong_codes >= s.wrong_codes_in_a_row:
        await requests.report_lock(context, person)
        raise Invalid("code_disabled")
    if until:
        raise Invalid("code_locked", **when(context, until))
    everybody = Limit(per_hour=s.wrong_codes_everywhere_per_hour)
    if await attempts.blocked_until(context.tx, "wrong_code", {attempts.EVERYBODY: everybody}, now):
        raise Invalid("busy")


async def issue(context: Context, purpose: str, person: Person, address: str) -> Issued:
    """A new code for `address`, which kills the one before. Soon after another one, that one still counts."""
    s, tx, now, account = context.settings, context.tx, context.now, context.visitor.id
    await _refuse_if_locked(context, person)
    index = address_index(context.vault, address)
    gap = s.code_resend_seconds * 1000
    last = await tx.one(
        "SELECT reference, issued_at, expires_at, ended_at FROM codes "
        "WHERE account_id = :account AND purpose = :purpose "
        "AND person_id = :person AND address_index = :address AND (ended_at IS NULL OR outcome = 'replaced') "
        "AND issued_at > :since AND issued_at <= :now ORDER BY issued_at DESC LIMIT 1",
        {"account": account, "purpose": purpose, "person": person.id, "address": index, "since": now - gap, "now": now},
    )
    if last:
        if context.again or last["ended_at"]:
            seconds = (last["issued_at"] + gap - now + 999) // 1000
            raise Invalid("resend_wait", seconds=seconds, reference=last["reference"])
        return Issued(last["reference"], last["expires_at"])
    limit = Limit(s.codes_per_hour, s.codes_per_day)
    # The owner's own chat has an allowance of its own, so that a stranger cannot use it up; and a chat at its limit
    # learns nothing about the address.
    own = context.visitor.person_id == person.id
    if until := await attempts.blocked_until(tx, "code", {account: limit}, now):
        raise Invalid("too_many_codes", **when(context, until))
    if until := await attempts.take(tx, "code", {f"{index}:own" if own else index: limit, account: limit}, now):
        raise Invalid("too_many_codes", **when(context, until))
    await end_all(context, purpose, "replaced")
    code = pyotp.HOTP(pyotp.random_base32(), digits=s.code_digits).at(0)
    issued = Issued("".join(secrets.choice(_REFERENCE) for _ in range(4)), now + s.code_minutes * MINUTE)
    row = {
        "id": new_id(),
        "account_id": account,
        "person_id": person.id,
        "purpose": purpose,
        "address_index": index,
        "issued_at": now,
        "expires_at": issued.expires_at,
    }
    await tx.run(
        "INSERT INTO codes (id, account_id, person_id, purpose, address_index, reference, hash, issued_at, expires_at) "
        "VALUES (:id, :account_id, :person_id, :purpose, :address_index, :reference, :hash, :issued_at, :expires_at)",
        {**row, "reference": issued.reference, "hash": mac(*_sealed(context, row, code))},
    )
    context.post(
        "mail",
        SECRET,
        {
            "to": address,
            "language": context.visitor.language,
            "text": "mail.code",
            "params": {"code": code, "reference": issued.reference, "minutes": s.code_minutes},
        },
        context.visitor.key,
        lane=f"mail:{index}",  # a mailbox in trouble holds up nobody but itself
        expires_at=issued.expires_at,
    )
    return issued


async def guess(context: Context, purpose: str, person: Person, address: str, code: str) -> None:
    """Raises `Invalid` unless this is the code."""
    s, tx, now = context.settings, context.tx, context.now
    await _refuse_if_locked(context, person)
    counted = await tx.all(
        "UPDATE codes SET guesses = guesses + 1 "  # noqa: S608  names are ours
        "WHERE account_id = :account AND purpose = :purpose "
        "AND person_id = :person AND address_index = :address AND ended_at IS NULL AND guesses < :most "
        f"AND issued_at <= :now AND expires_at > :now RETURNING hash, guesses, {', '.join(_BOUND)}",
        {
            "account": context.visitor.id,
            "purpose": purpose,
            "person": person.id,
            "address": address_index(context.vault, address),
            "most": s.code_guesses,
            "now": now,
        },
    )
    if not counted:
        raise Invalid("code_expired")
    row = counted[0]
    if not fits(row["hash"], *_sealed(context, row, code)):
        await attempts.note(tx, "wrong_code", person.id, now)
        await attempts.note(tx, "wrong_code", attempts.EVERYBODY, now)
        wrong = await tx.all(
            "UPDATE people SET wrong_codes = wrong_codes + 1 WHERE id = :id RETURNING wrong_codes", {"id": person.id}
        )
        if any(one["wrong_codes"] >= s.wrong_codes_in_a_row for one in wrong):
            await requests.report_lock(context, person)
        left = s.code_guesses - row["guesses"]
        if left > 0:
            raise Invalid("code_wrong", left=left)
        await attempts.note(tx, "locked", person.id, now)
        await end_all(context, purpose, "guessed")
        raise Invalid("code_locked", **when(context, now + s.code_lock_minutes * MINUTE))
    won = await tx.run(
        "UPDATE codes SET ended_at = :now, outcome = 'used', hash = :proof WHERE id = :id AND ended_at IS NULL",
        {"id": row["id"], "now": now, "proof": mac(*_sealed(context, row, "used", now))},
    )
    if won != 1:
        raise Invalid("code_expired")
    await tx.run("UPDATE people SET wrong_codes = 0 WHERE id = :id", {"id": person.id})
    await _erase_mail(context)


async def spend(
    context: Context, person: Person, purposes: tuple[str, ...], *, by: str, address: str | None = None
) -> bool:
    """Is there a code of this chat and person, entered within the hour and not yet spent for this? Marks it `by`:
    `saved` once an address was saved with it, `spent` once a session began with it."""
    before = {"saved": ("used",), "spent": ("used", "saved")}[by]
    rows = await context.tx.all(
        f"SELECT hash, outcome, ended_at, {', '.join(_BOUND)} FROM codes "  # noqa: S608  names are ours
        "WHERE account_id = :account AND person_id = :person "
        "AND ended_at <= :now AND ended_at > :since ORDER BY id DESC",
        {
            "account": context.visitor.id,
            "person": person.id,
            "now": context.now,
            "since": context.now - HOUR,
        },
    )
    index = address_index(context.vault, address) if address else None
    for row in rows:
        meant = row["purpose"] in purposes and row["outcome"] in before and index in (None, row["address_index"])
        if meant and fits(row["hash"], *_sealed(context, row, "used", row["ended_at"])):
            return (
                await context.tx.run(
                    "UPDATE codes SET outcome = :by WHERE id = :id AND outcome = :before",
                    {"by": by, "id": row["id"], "before": row["outcome"]},
                )
                == 1
            )
    return False


async def end_all(context: Context, purpose: str, outcome: str) -> None:
    """End this chat's living codes of a purpose, and what was not mailed yet."""
    await context.tx.run(
        "UPDATE codes SET ended_at = :now, outcome = :outcome "
        "WHERE account_id = :account AND purpose = :purpose AND ended_at IS NULL",
        {"now": context.now, "outcome": outcome, "account": context.visitor.id, "purpose": purpose},
    )
    await _erase_mail(context)


async def _erase_mail(context: Context) -> None:
    rows = await context.tx.all(
        "DELETE FROM outbox WHERE account_id = :account AND purpose = :secret RETURNING id",
        {"account": context.visitor.id, "secret": SECRET},
    )
    context.tx.cancelled.update(row["id"] for row in rows)
