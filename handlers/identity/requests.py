"""What HR is asked for besides papers and identity checks: help, in one's own words; to lift a lock that wrong codes
led to; to look at a chat that took another one's place. Open ones stand in the queue of `handlers/review/`.

One of a kind is open for a person at a time: more words are added to the open one, whose `version` then grows, so that
nobody answers what they have not seen; a later chat takes the place of an earlier one. One verdict each: a conditional
UPDATE, whose row count decides who was first.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

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
    return _request(vault, row) if row else None


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


async def _open(tx: Tx, kind: Kind, account: str, person: str, key: Key, detail: Mapping[str, Any], now: int) -> None:
    id = new_id()
    await tx.run(
        "INSERT INTO requests (id, kind, account_id, person_id, key_id, detail, version, asked_at) "
        "VALUES (:id, :kind, :account, :person, :key, :detail, 1, :now)",
        {
            "id": id,
            "kind": kind,
            "account": account,
            "person": person,
            "key": key.id,
            "detail": key.seal(dict(detail), "requests", id, "detail"),
            "now": now,
        },
    )


async def pending(tx: Tx, vault: Vault, person: str, kind: Kind) -> Request | None:
    """The open one of this kind, which nobody decides until the end of the transaction, nor opens another one. Raises
    `Tampered`."""
    await people.lock(tx, [person])
    row = await tx.one(
        "SELECT id FROM requests WHERE person_id = :person AND kind = :kind AND decided_at IS NULL "
        "ORDER BY asked_at, id LIMIT 1 FOR UPDATE",
        {"person": person, "kind": kind},
    )
    return await request(tx, vault, row["id"]) if row else None


async def ask_for_help(context: Context, person: Person, words: str) -> None:
    """Raises `Invalid` (help_full) where so much waits already that somebody should answer first."""
    tx, now = context.tx, context.now
    waiting = await pending(tx, context.vault, person.id, "help")
    if waiting is None:
        await _open(tx, "help", context.visitor.id, person.id, person.key, {"asked": [[now, words]]}, now)
        return
    if len(waiting.asked) >= ADDED_MOST:
        raise Invalid("help_full")
    detail = {"asked": [*map(list, waiting.asked), [now, words]]}
    await tx.run(
        "UPDATE requests SET detail = :detail, version = version + 1, account_id = :account "
        "WHERE id = :id AND decided_at IS NULL",
        {
            "detail": person.key.seal(detail, "requests", waiting.id, "detail"),
            "account": context.visitor.id,
            "id": waiting.id,
        },
    )


async def report_lock(context: Context, person: Person) -> None:
    """Wrong codes have locked this person for good. Where HR has refused to lift that, it is asked again a day later at
    the earliest."""
    tx, now = context.tx, context.now
    if await pending(tx, context.vault, person.id, "lock"):
        return
    if not await attempts.take(tx, "lock", {person.id: Limit(per_day=1)}, now):
        await _open(tx, "lock", context.visitor.id, person.id, person.key, {}, now)


async def report_relink(context: Context, person: Person) -> None:
    """This chat took another one's place. What was reported of that other one is no question any more."""
    tx, now, chat = context.tx, context.now, context.visitor
    await people.lock(tx, [person.id])
    replaced = await tx.all(
        "UPDATE requests SET decided_at = :now, verdict = 'replaced' WHERE person_id = :person AND kind = 'relink' "
        "AND decided_at IS NULL AND account_id IN (SELECT id FROM accounts WHERE channel = :channel) RETURNING id",
        {"now": now, "person": person.id, "channel": chat.channel},
    )
    chain: list[int] = []
    for row in replaced:
        with suppress(Tampered):
            if before := await request(tx, context.vault, row["id"]):
                chain += (*before.chain, before.asked_at)
    detail = {"chain": sorted(chain)[-CHAIN_MOST:]} if chain else {}
    await _open(tx, "relink", chat.id, person.id, person.key, detail, now)


# --- deciding ---------------------------------------------------------------------------------------------------------


async def close(tx: Tx, seen: Request, key: Key, verdict: Verdict, *, officer: str, now: int, answer: str = "") -> bool:
    """`key`: the person's. False: somebody else was first, or something was added since."""
    detail = {"asked": [*map(list, seen.asked)], **({"answer": answer} if answer else {})}
    won = await tx.run(
        "UPDATE requests SET decided_at = :now, verdict = :verdict, officer_id = :officer, detail = :detail "
        "WHERE id = :id AND version = :version AND decided_at IS NULL",
        {
            "now": now,
            "verdict": verdict,
            "officer": officer,
            "detail": key.seal(detail, "requests", seen.id, "detail"),
            "id": seen.id,
            "version": seen.version,
        },
    )
    return won == 1


def checked_answer(words: str) -> str:
    """Raises `Invalid`: answer_needed, answer_long."""
    words = words.strip()
    if not words:
        raise Invalid("answer_needed")
    if len(words) > WORDS_MOST:
        raise Invalid("answer_long", limit=WORDS_MOST)
    return words


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


async def lock_lifted(tx: Tx, person: str, now: int) -> None:
    """It was done another way (`kp7 identity unblock`, an identity check): nothing is left to ask."""
    await tx.run(
        "UPDATE requests SET decided_at = :now, verdict = 'unlocked' "
        "WHERE person_id = :person AND kind = 'lock' AND decided_at IS NULL",
        {"now": now, "person": person},
    )


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
