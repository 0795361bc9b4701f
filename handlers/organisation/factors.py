"""The officers' second factor: time-based codes (TOTP, RFC 6238) of an authenticator on their own telephone.

SHA-1, six digits, 30 seconds, as every authenticator has them; a code of the step before or after is taken too (§5.2
there). The secret is sealed with the person's key, and the row bears a MAC; it counts only if it is the one that the
audit log says was set up last and not reset since (`confirmed_at` is the time of that line). So whoever writes the
database makes no factor, and brings back none that is over. What they can: put back the row of the living factor from
before a code was used, which is good again for what is left of its minute and a half. The protocol of a guess, all in
one transaction, which commits whatever comes of it:

1. the limits of this person, looked at by one transaction at a time; who is over one hears the same of a right code;
2. the three codes of this moment are compared, all of them each time;
3. wrong: it is counted;
4. right: one conditional UPDATE moves `step` past it, so that of many right answers one wins, and no older one follows.
"""

import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import pyotp
import structlog

from bot.events import Invalid
from bot.settings import Settings
from bot.times import MINUTE, moment
from storage import attempts, audit
from storage.attempts import Limit
from storage.database import Row, Tx
from storage.macs import fits, mac
from storage.vault import Key, Vault

log = structlog.get_logger()

DIGITS, SECONDS, AROUND = 6, 30, 1  # a code; how long it lasts; how many steps before and after are taken
LOCK = 15 * MINUTE
WRONG_PER_DAY = 20
KIND = "factor"  # in `attempts`
SET_UP, RESET = "factor.set_up", "officer.factor_reset"  # in the audit log, which tells who must have one

_BOUND = ("person_id", "key_id", "secret", "step", "made_at", "confirmed_at")


async def enrolled(tx: Tx, person_id: str) -> bool:
    row = await tx.one(
        "SELECT 1 FROM second_factors WHERE person_id = :id AND confirmed_at IS NOT NULL", {"id": person_id}
    )
    return row is not None


async def enrolled_of(tx: Tx, vault: Vault, people: Sequence[str]) -> frozenset[str]:
    """Those of them who have a factor that KP7 made, and that is not over."""
    rows = await tx.each(
        "SELECT f.* FROM each(:batch) e JOIN second_factors f ON f.person_id = e.value ->> 'id' "
        "WHERE f.confirmed_at IS NOT NULL",
        [{"id": id} for id in people],
    )
    secret = vault.secret("second_factors")
    made = [row for row in rows if fits(row["mac"], secret, *(row[name] for name in _BOUND))]
    told = await _told(tx, vault, [row["person_id"] for row in made])
    return frozenset(row["person_id"] for row in made if told.get(row["person_id"]) == row["confirmed_at"])


async def _told(tx: Tx, vault: Vault, people: Sequence[str]) -> dict[str, int]:
    """When, says the audit log, those of them who have a factor have set it up."""
    lines = await audit.last(tx, vault, people, (SET_UP, RESET))
    return {person: line["at"] for person, line in lines.items() if line["action"] == SET_UP}


async def lost(tx: Tx, vault: Vault, person_id: str) -> bool:
    """They have set one up, nobody has reset it, and it is not there: somebody has deleted it. Only an operator lets
    them set up another one, or a mailbox alone would be enough."""
    if await enrolled(tx, person_id) or not await audit.stands(tx, vault, person_id, SET_UP, RESET):
        return False
    log.error("second_factor_gone", person=person_id)
    return True


async def begin(tx: Tx, vault: Vault, person_id: str, key: Key, now: int) -> str | None:
    """→ a new secret, base32, to be shown once; None: there is a factor already, or one was deleted (`lost`),
    which only an operator resets.

    A secret of which no code has come back is replaced.
    """
    if await lost(tx, vault, person_id):
        return None
    secret = pyotp.random_base32()  # 160 bits
    row = {
        "person_id": person_id,
        "key_id": key.id,
        "secret": key.seal(secret, "second_factors", person_id, "secret"),
        "step": 0,
        "made_at": now,
        "confirmed_at": None,
    }
    made = await tx.run(
        "INSERT INTO second_factors (person_id, key_id, secret, step, failures, made_at, mac) "
        "VALUES (:person_id, :key_id, :secret, :step, 0, :made_at, :mac) ON CONFLICT (person_id) DO UPDATE SET "
        "key_id = excluded.key_id, secret = excluded.secret, step = 0, made_at = excluded.made_at, mac = excluded.mac "
        "WHERE second_factors.confirmed_at IS NULL",
        {**row, "mac": _mac(vault, row)},
    )
    return secret if made == 1 else None


async def check(tx: Tx, vault: Vault, settings: Settings, person_id: str, key: Key, code: str, now: int) -> None:
    """Takes a code of a confirmed factor. `code`: ASCII digits, as `bot.thai.otp` reads them.

    Raises `Invalid`: factor_missing, factor_locked, factor_disabled, factor_wrong, factor_used. The transaction is to
    be committed then, too: it has counted the guess.
    """
    await _guess(tx, vault, settings, person_id, key, code, now, confirming=False)


async def confirm(
    tx: Tx, vault: Vault, settings: Settings, person_id: str, key: Key, code: str, now: int, *, by: str
) -> None:
    """The first code of a secret that was shown: from now on it is the factor, which the audit log tells. Raises as
    `check` does."""
    await _guess(tx, vault, settings, person_id, key, code, now, confirming=True)
    await audit.append(tx, vault, now, [audit.Line(by, SET_UP, person_id)])


async def reset(tx: Tx, person_id: str) -> bool:
    """A lost telephone. Whatever was proved with it is over. False: there was none. To be audited by the caller."""
    await tx.run("DELETE FROM officer_sessions WHERE person_id = :id", {"id": person_id})
    return await tx.run("DELETE FROM second_factors WHERE person_id = :id", {"id": person_id}) == 1


async def _guess(
    tx: Tx,
    vault: Vault,
    settings: Settings,
    person_id: str,
    key: Key,
    code: str,
    now: int,
    *,
    confirming: bool,
) -> None:
    await _refuse_if_locked(tx, settings, person_id, now)
    row = await tx.one("SELECT * FROM second_factors WHERE person_id = :id", {"id": person_id})
    if row is None or (row["confirmed_at"] is None) is not confirming:
        raise Invalid("factor_missing")
    if not fits(row["mac"], vault.secret("second_factors"), *(row[column] for column in _BOUND)):
        log.error("second_factor_forged", person=person_id)
        raise Invalid("factor_missing")
    if not confirming and (await _told(tx, vault, [person_id])).get(person_id) != row["confirmed_at"]:
        log.error("second_factor_put_back", person=person_id)
        raise Invalid("factor_missing")
    if row["failures"] >= settings.wrong_codes_in_a_row:
        raise Invalid("factor_disabled")
    step = _step_of(key.open(row["secret"], "second_factors", person_id, "secret"), code, now)
    if step is None:
        await _count(tx, person_id, now)
        raise Invalid("factor_wrong")
    moved: Mapping[str, Any] = {**row, "step": step, "confirmed_at": now if confirming else row["confirmed_at"]}
    won = await tx.run(
        "UPDATE second_factors SET step = :step, confirmed_at = :confirmed_at, failures = 0, mac = :new "
        "WHERE person_id = :person_id AND mac = :mac AND step < :step",
        {**{name: moved[name] for name in ("step", "confirmed_at", "person_id", "mac")}, "new": _mac(vault, moved)},
    )
    if won != 1:
        await _count(tx, person_id, now)
        raise Invalid("factor_used")


async def _refuse_if_locked(tx: Tx, settings: Settings, person_id: str, now: int) -> None:
    until = await attempts.blocked_until(tx, KIND, {person_id: Limit(per_day=WRONG_PER_DAY)}, now)
    lately = await attempts.times(tx, KIND, person_id, now - LOCK)
    if len(lately) >= settings.factor_guesses:
        until = max(until, lately[-settings.factor_guesses] + LOCK)
    if until:
        then = moment(until, settings.timezone)
        raise Invalid("factor_locked", day=then.date(), time=then)


async def _count(tx: Tx, person_id: str, now: int) -> None:
    await attempts.note(tx, KIND, person_id, now)
    await tx.run("UPDATE second_factors SET failures = failures + 1 WHERE person_id = :id", {"id": person_id})


def _step_of(secret: str, code: str, now: int) -> int | None:
    """Of which step around this moment it is the code; the latest, if of several."""
    totp = pyotp.TOTP(secret, digits=DIGITS, interval=SECONDS)
    middle, found = now // (SECONDS * 1000), None
    for step in range(middle - AROUND, middle + AROUND + 1):
        if hmac.compare_digest(totp.at(step * SECONDS), code):
            found = step
    return found


def _mac(vault: Vault, row: Row | Mapping[str, Any]) -> str:
    return mac(vault.secret("second_factors"), *(row[column] for column in _BOUND))
