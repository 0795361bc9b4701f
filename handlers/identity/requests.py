"""What HR is asked for besides papers and identity checks: help, in one's own words; to lift a lock that wrong codes
led to; to look at a chat that took another one's place. Open ones stand in the queue of `handlers/review/`.

Each row bears an HMAC over all of it but `told_at` (`storage/seals.py`): what KP7 did not write is not there.

One of a kind is open for a person at a time: more words are added to the open one, whose `version` then grows, so that
nobody answers what they have not seen; a later chat takes the place of an earlier one. One verdict each: a conditional
UPDATE, whose row count decides who was first.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from bot import thai
from bot.events import Invalid
from bot.outbox import Entry
from bot.times import moment
from bot.topic import Context
from handlers.identity.rules import WORDS_MOST
from storage import attempts, chats, people
from storage.attempts import Limit
from storage.database import Row, Tx
from storage.ids import new_id
from storage.people import Person
from storage.seals import REQUESTS
from storage.vault import Key, Tampered, Vault

Kind = Literal["help", "lock", "relink"]
Verdict = Literal["answered", "unlocked", "kept", "cut_off", "refused"]
ADDED_MOST = 5  # questions that wait together
CHAIN_MOST = 10  # changes that one card tells of, the last ones


@dataclass(frozen=True)
class Request:
    """`account`: the chat it was asked from, of a relink the new one, on `channel`. `asked`: of help, what was written,
    each with its time in milliseconds. `chain`: of a relink that replaced others which nobody had looked at, when each
    of those was asked, the oldest first: all from one chat to another on the same `channel`."""

    id: str
    kind: Kind
    person: str
    account: str
    channel: str
    version: int
    asked_at: int
    asked: tuple[tuple[int, str], ...] = field(default=(), repr=False)
    answer: str = field(default="", repr=False)
    chain: tuple[int, ...] = ()


_REQUEST = """
SELECT r.*, a.channel, k.wrapped, w.key_id AS whose FROM requests r JOIN accounts a ON a.id = r.account_id
JOIN people w ON w.id = r.person_id JOIN keys k ON k.id = r.key_id
"""


async def request(tx: Tx, vault: Vault, id: str) -> Request | None:
    """Raises `Tampered`."""
    row = await tx.one(f"{_REQUEST} WHERE r.id = :id", {"id": id})
    return _request(vault, row) if row and REQUESTS.genuine(vault, row) else None


def _request(vault: Vault, row: Row) -> Request:
    if row["key_id"] != row["whose"]:
        raise Tampered("requests")
    key = vault.unwrap(row["key_id"], row["wrapped"])
    detail = key.open(row["detail"], "requests", row["id"], "detail")
    return Request(
        id=row["id"],
        kind=row["kind"],
        person=row["person_id"],
        account=row["account_id"],
        channel=row["channel"],
        version=row["version"],
        asked_at=row["asked_at"],
        asked=tuple((at, words) for at, words in detail.get("asked", ())),
        answer=detail.get("answer", ""),
        chain=tuple(detail.get("chain", ())),
    )


# --- asking -----------------------------------------------------------------------------------------------------------


async def _open(context: Context, kind: Kind, person: Person, detail: Mapping[str, Any]) -> None:
    id = new_id()
    row = {
        "id": id,
        "kind": kind,
        "account_id": context.visitor.id,
        "person_id": person.id,
        "key_id": person.key.id,
        "detail": person.key.seal(dict(detail), "requests", id, "detail"),
        "version": 1,
        "asked_at": context.now,
        "decided_at": None,
        "verdict": None,
        "officer_id": None,
    }
    await context.tx.run(
        f"INSERT INTO requests ({', '.join(row)}, mac) VALUES ({', '.join(f':{name}' for name in row)}, :mac)",  # noqa: S608
        {**row, "mac": REQUESTS.made(context.vault, row)},
    )


async def _held(tx: Tx, vault: Vault, which: str, **given: object) -> list[Row]:
    """Open ones, as nobody changes them until the end of the transaction. `which`: a condition on `t`, from here."""
    rows = await tx.all(REQUESTS.where(f"{which} AND t.decided_at IS NULL ORDER BY t.asked_at, t.id FOR UPDATE"), given)
    return [row for row in rows if REQUESTS.genuine(vault, row)]


async def _rewrite(tx: Tx, vault: Vault, row: Row, **changed: object) -> bool:
    """`row`: as it was read. False: it is not so any more."""
    after = {**row, **changed}
    won = await tx.run(
        "UPDATE requests SET account_id = :account_id, detail = :detail, version = :version, decided_at = :decided_at, "
        "verdict = :verdict, officer_id = :officer_id, mac = :new WHERE id = :id AND mac = :mac AND decided_at IS NULL",
        {**after, "new": REQUESTS.made(vault, after)},
    )
    return won == 1


async def pending(tx: Tx, vault: Vault, person: str, kind: Kind) -> Request | None:
    """The open one of this kind, which nobody decides until the end of the transaction, nor opens another one. Raises
    `Tampered`."""
    await people.lock(tx, [person])
    rows = await _held(tx, vault, "t.person_id = :person AND t.kind = :kind", person=person, kind=kind)
    return await request(tx, vault, rows[0]["id"]) if rows else None


async def ask_for_help(context: Context, person: Person, words: str) -> None:
    """Raises `Invalid` (help_full) where so much waits already that somebody should answer first."""
    tx, now = context.tx, context.now
    waiting = await pending(tx, context.vault, person.id, "help")
    if waiting is None:
        await _open(context, "help", person, {"asked": [[now, words]]})
        return
    if len(waiting.asked) >= ADDED_MOST:
        raise Invalid("help_full")
    detail = {"asked": [*map(list, waiting.asked), [now, words]]}
    (row,) = await _held(tx, context.vault, "t.id = :id", id=waiting.id)
    sealed = person.key.seal(detail, "requests", waiting.id, "detail")
    await _rewrite(tx, context.vault, row, detail=sealed, version=waiting.version + 1, account_id=context.visitor.id)


async def report_lock(context: Context, person: Person) -> None:
    """Wrong codes have locked this person for good. Where HR has refused to lift that, it is asked again a day later at
    the earliest."""
    tx, now = context.tx, context.now
    if await pending(tx, context.vault, person.id, "lock"):
        return
    if not await attempts.take(tx, "lock", {person.id: Limit(per_day=1)}, now):
        await _open(context, "lock", person, {})


async def report_relink(context: Context, person: Person) -> None:
    """This chat took another one's place. What was reported of that other one is no question any more."""
    tx, vault = context.tx, context.vault
    await people.lock(tx, [person.id])
    same = "t.account_id IN (SELECT id FROM accounts WHERE channel = :channel)"
    which = f"t.person_id = :person AND t.kind = 'relink' AND {same}"
    chain: list[int] = []
    for row in await _held(tx, vault, which, person=person.id, channel=context.visitor.channel):
        with suppress(Tampered):
            if before := await request(tx, vault, row["id"]):
                chain += (*before.chain, before.asked_at)
        await _rewrite(tx, vault, row, decided_at=context.now, verdict="replaced")
    await _open(context, "relink", person, {"chain": sorted(chain)[-CHAIN_MOST:]} if chain else {})


# --- deciding ---------------------------------------------------------------------------------------------------------


async def close(
    tx: Tx, vault: Vault, seen: Request, key: Key, verdict: Verdict, *, officer: str, now: int, answer: str = ""
) -> bool:
    """`key`: the person's. False: somebody else was first, or something was added since."""
    rows = await _held(tx, vault, "t.id = :id AND t.version = :version", id=seen.id, version=seen.version)
    if not rows:
        return False
    detail = {"asked": [*map(list, seen.asked)], **({"answer": answer} if answer else {})}
    sealed = key.seal(detail, "requests", seen.id, "detail")
    return await _rewrite(tx, vault, rows[0], decided_at=now, verdict=verdict, officer_id=officer, detail=sealed)


def checked_answer(words: str) -> str:
    """Raises `Invalid`: answer_needed, answer_long, words_piled."""
    words = words.strip()
    if not words:
        raise Invalid("answer_needed")
    if len(words) > WORDS_MOST:
        raise Invalid("answer_long", limit=WORDS_MOST)
    return thai.legible(words)


def tell(seen: Request, owner: Person, purpose: str, now: int) -> Entry:
    """In a chat that is the owner's, else by mail without what was said."""
    return Entry.make("notice", purpose, {"request": seen.id}, owner.key, now=now, person_id=owner.id, due_at=now)


async def cut_off(tx: Tx, seen: Request) -> list[str]:
    """Log the new chat out and unlink it, if it is still this person's. → accounts"""
    rows = await tx.all(
        "SELECT id FROM accounts WHERE id = :account AND person_id = :person FOR UPDATE",
        {"account": seen.account, "person": seen.person},
    )
    accounts = [row["id"] for row in rows]
    await chats.end_sessions(tx, accounts, unlink=True)
    return accounts


async def tell_cut_off(
    tx: Tx, vault: Vault, timezone: str, seen: Request, owner: Person, accounts: Sequence[str], now: int
) -> list[Entry]:
    """The chat, sealed with its own key: it is nobody's now; and the owner, at the mailbox on record."""
    entries = []
    for account in accounts:
        row = await tx.one(
            "SELECT k.id, k.wrapped FROM accounts a JOIN keys k ON k.id = a.key_id WHERE a.id = :id", {"id": account}
        )
        assert row is not None
        key = vault.unwrap(row["id"], row["wrapped"])
        entries.append(Entry.make("notice", "cut_off", {"by": "hr"}, key, now=now, account_id=account, due_at=now))
    if owner.email:
        address, since = owner.email.address, moment(seen.asked_at, timezone)
        when = {"day": since.date().isoformat(), "at": since.isoformat()}
        content = {"to": address, "language": "th", "text": "mail.cut_off", "params": when}
        lane = f"mail:{people.address_index(vault, address)}"
        entries.append(Entry.make("mail", "notice", content, owner.key, now=now, person_id=owner.id, lane=lane))
    return entries


async def lock_lifted(tx: Tx, vault: Vault, person: str, now: int) -> None:
    """It was done another way (`kp7 identity unblock`, an identity check): nothing is left to ask."""
    for row in await _held(tx, vault, "t.person_id = :person AND t.kind = 'lock'", person=person):
        await _rewrite(tx, vault, row, decided_at=now, verdict="unlocked")


# --- telling ----------------------------------------------------------------------------------------------------------


async def told(tx: Tx, id: str, now: int) -> None:
    await tx.run("UPDATE requests SET told_at = :now WHERE id = :id AND told_at IS NULL", {"now": now, "id": id})


async def unheard(tx: Tx, vault: Vault, person: str, now: int) -> list[Request]:
    """Answers that reached no chat, since there was none; now they are told. What does not open is left out."""
    rows = await tx.all(
        "UPDATE requests SET told_at = :now WHERE person_id = :person AND verdict = 'answered' AND told_at IS NULL "
        "AND decided_at < :now RETURNING id",
        {"now": now, "person": person},
    )
    found = []
    for row in sorted(rows, key=lambda row: str(row["id"])):
        with suppress(Tampered):
            found.append(await request(tx, vault, row["id"]))
    return [one for one in found if one]
