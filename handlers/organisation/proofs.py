"""Where an officer has proved the second factor: a chat, or a browser at the desk that was opened from one.

A proof dies with the session of that chat, and with what it was made for: it is no longer the officer's own, nobody has
done anything with it for `officer_idle_minutes`, or it is older than `officer_total_hours` (SES1). A seat that was
given up, and whatever was proved before a factor was reset, is over by the audit log, too: no row that is put back
revives it. It says that the factor was proved; what its officer may do, `authority` says each time.

Whoever works at the desk is there: until the proof is over, a web chat of their own does not idle out behind it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from bot import thai
from bot.events import Invalid
from bot.session import Limits
from bot.settings import Settings
from bot.times import HOUR, MINUTE
from handlers.organisation import factors
from storage import chats
from storage.database import Row, Tx
from storage.macs import fits, mac
from storage.people import Person
from storage.vault import Vault

_BOUND = ("id", "person_id", "account_id", "proof_session", "made_at", "proved_at")
_PROOFS = """
SELECT s.id, s.person_id, s.account_id, s.session AS proof_session, s.made_at, s.proved_at, s.seen_at AS proof_seen_at,
       s.mac, a.channel, a.external_id, a.key_id, a.session, a.session_at, a.seen_at, a.shared
FROM each(:batch) e JOIN officer_sessions s ON s.id = e.value ->> 'id'
JOIN accounts a ON a.id = s.account_id AND a.person_id = s.person_id
"""

# A telephone keeps its own time, and what several people use ends as soon as it is left alone.
_AT_WORK = """
UPDATE accounts SET seen_at = :now WHERE id = :id AND channel = 'web' AND shared = 0 AND seen_at < :then
"""
LEFT = "desk.left"  # in the audit log; its detail names the seat
_OVER = """
SELECT s.id FROM each(:batch) e JOIN officer_sessions s ON s.id = e.value ->> 'id'
JOIN audit l ON l.subject = s.person_id
WHERE (l.action = :left AND l.detail = e.value ->> 'detail') OR (l.action = :reset AND l.at > s.made_at)
"""


@dataclass(frozen=True)
class Proof:
    """`account_id`: the chat it was begun from. Milliseconds: since when it lives, when a code was last taken."""

    id: str
    person_id: str
    account_id: str
    made_at: int
    proved_at: int


async def prove(
    tx: Tx,
    vault: Vault,
    settings: Settings,
    id: str,
    person_id: str,
    account_id: str,
    session: str,
    now: int,
) -> None:
    """A code was just taken here. `id`: of a chat its account's, of a browser the blind index of its cookie.
    `session`: of the chat. A proof that still lives only becomes fresh: it does not last longer for that."""
    living = (await find(tx, vault, settings, [id], now)).get(id)
    same = living is not None and (living.person_id, living.account_id) == (person_id, account_id)
    row = {
        "id": id,
        "person_id": person_id,
        "account_id": account_id,
        "proof_session": _session(vault, session),
        "made_at": living.made_at if living and same else now,
        "proved_at": now,
    }
    await tx.run(
        "INSERT INTO officer_sessions (id, person_id, account_id, session, made_at, proved_at, seen_at, mac) "
        "VALUES (:id, :person_id, :account_id, :proof_session, :made_at, :proved_at, :proved_at, :mac) "
        "ON CONFLICT (id) DO UPDATE SET person_id = excluded.person_id, account_id = excluded.account_id, "
        "session = excluded.session, made_at = excluded.made_at, proved_at = excluded.proved_at, "
        "seen_at = excluded.seen_at, mac = excluded.mac",
        {**row, "mac": mac(*_sealed(vault, row))},
    )


async def give(
    tx: Tx, vault: Vault, settings: Settings, id: str, person: Person, account_id: str, typed: str, now: int
) -> Invalid | None:
    """The digits, as they were typed on a page; they prove what `prove` says. → what is wrong with them: the guess was
    counted, and the transaction is to be committed."""
    try:
        code = thai.otp(typed, factors.DIGITS)
        await factors.check(tx, vault, settings, person.id, person.key, code, now)
    except Invalid as wrong:
        return wrong
    chat = await tx.one("SELECT session FROM accounts WHERE id = :id", {"id": account_id})
    if chat is None or chat["session"] is None:
        return Invalid("factor_over")
    await prove(tx, vault, settings, id, person.id, account_id, chat["session"], now)
    return None


async def find(tx: Tx, vault: Vault, settings: Settings, ids: list[str], now: int) -> dict[str, Proof]:
    """Those that are good just now. Looking is no use of them."""
    rows = await tx.each(_PROOFS, [{"id": id} for id in ids])
    good = {row["id"]: _proof(row) for row in rows if _good(vault, settings, row, now)}
    asked = [{"id": id, "detail": orjson.dumps(seat(id)).decode()} for id in good]
    over = await tx.each(_OVER, asked, {"left": LEFT, "reset": factors.RESET}) if asked else []
    return {id: proof for id, proof in good.items() if id not in {row["id"] for row in over}}


def seat(id: str) -> dict[str, str]:
    """The detail of `LEFT`."""
    return {"seat": id}


async def proved(tx: Tx, vault: Vault, settings: Settings, id: str, now: int, *, lock: bool = False) -> Proof | None:
    """For whoever does something with it. `lock`: the chat's session does not end before this transaction does."""
    if lock:
        await tx.among(
            "SELECT 1 FROM each(:batch) e JOIN officer_sessions s ON s.id = e.value ->> 'id' "
            "JOIN accounts a ON a.id = s.account_id FOR UPDATE OF a",
            [{"id": id}],
        )
    found = (await find(tx, vault, settings, [id], now)).get(id)
    if found is None:
        return None
    if id != found.account_id:
        await tx.run(_AT_WORK, {"id": found.account_id, "now": now, "then": now - MINUTE})
    seen = await tx.run(
        "UPDATE officer_sessions SET seen_at = :now WHERE id = :id AND proved_at = :proved_at",
        {"id": id, "now": now, "proved_at": found.proved_at},
    )
    return found if seen == 1 else None


async def end(tx: Tx, id: str) -> None:
    await tx.run("DELETE FROM officer_sessions WHERE id = :id", {"id": id})


def fresh(proof: Proof, now: int, minutes: int) -> bool:
    """Was a code taken so lately (SES2)?"""
    return 0 <= now - proof.proved_at <= minutes * MINUTE


def _good(vault: Vault, settings: Settings, row: Row, now: int) -> bool:
    if row["session"] is None or row["proof_session"] != _session(vault, row["session"]):
        return False
    if not fits(row["mac"], *_sealed(vault, row)) or not chats.genuine(vault, {**row, "id": row["account_id"]}):
        return False
    own = Limits(settings.officer_idle_minutes * MINUTE, settings.officer_total_hours * HOUR)
    chat = Limits.of(settings, row["channel"], shared=bool(row["shared"]))
    return not (
        own.over(row["proof_seen_at"], row["made_at"], now) or chat.over(row["seen_at"], row["session_at"], now)
    )


def _proof(row: Row) -> Proof:
    return Proof(row["id"], row["person_id"], row["account_id"], row["made_at"], row["proved_at"])


def _session(vault: Vault, session: str) -> str:
    return vault.index("officer_session", session)


def _sealed(vault: Vault, row: Mapping[str, Any]) -> tuple[bytes, *tuple[object, ...]]:
    return (vault.secret("officer_sessions"), *(row[column] for column in _BOUND))
