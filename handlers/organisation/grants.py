"""Roles that orders of the head of the office gave (letter มท ๐๔๐๒.๕/ว ๓๕๗๘): given, ended, shown.

1. the order, a PDF, is taken in like any paper, and lies in the file store, sealed with the officer's key;
2. the grant and the audit log's line about it, in one transaction. A MAC says that KP7 wrote the row;
3. it ends when HR revokes it, or when the roster says that its holder is elsewhere, or not in service: in the
   transaction that learns of it. (`authority.officers` looks, too: nobody is powerful for a moment longer.)

จะมอบหมายช่วงต่อไปไม่ได้: no order is taken that was signed by its own officer, or by somebody who holds a role here,
unless that is one of `MAY_SIGN_ORDERS`. Who tries is written down.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, get_args

from bot import thai
from bot.events import Invalid
from bot.papers.shapes import Paper
from bot.papers.shapes import Refused as Unfit
from bot.times import DAY, local_date
from handlers.organisation import factors
from handlers.organisation.authority import ACTS, GRANT, grant_mac, officers
from handlers.organisation.roles import MAY_SIGN_ORDERS, ROLES, Role
from storage import audit, files, people
from storage.database import Database, Row, Tx, retried
from storage.files import Files
from storage.ids import new_id
from storage.macs import fits
from storage.people import Person
from storage.seals import ORGANISATIONS, ours
from storage.vault import Tampered, Vault

Why = Literal["revoked", "transferred", "left"]
WHYS: tuple[Why, ...] = get_args(Why)
LONGEST = 200  # characters of a number, of a name
SETTLED = 90 * DAY  # an e-mail address that nobody has complained of for so long
SHORTEST_NAME = 4  # characters of a name without its title


class Refused(Exception):
    """A sentence for the operator. `code`: of what is written down, for it was no mistake in typing."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


class BadOrder(Exception):
    """The order is no PDF that can be taken in."""

    def __init__(self, unfit: Unfit) -> None:
        super().__init__(unfit.reason)
        self.unfit = unfit


@dataclass(frozen=True)
class Order:
    """`signed_by`: the ID of whoever signed, if the roster has them, or a name."""

    number: str
    day: date
    pdf: bytes = field(repr=False)
    signed_by: str = field(repr=False)


@dataclass(frozen=True)
class Wanted:
    """`scope`: code of an organisation. `below`: and of what is subordinate to it. First and last day; the last may be
    open. `address_checked`: the operator has asked the person whether the mailbox on record is theirs."""

    role: Role
    scope: str
    below: bool
    order: Order
    starts_on: date
    ends_on: date | None = None
    address_checked: bool = False


@dataclass(frozen=True)
class Grant:
    """As HR sees it. `acts`: it is in force today. `factor`: they have set up their second factor. `genuine`: KP7 wrote
    the row; `number` of one that it did not write is empty."""

    id: str
    person_id: str
    name: str = field(repr=False)
    unit: str
    role: str
    scope: str
    scope_name: str
    below: bool
    number: str
    order_day: str
    order_file: str
    starts_on: str
    ends_on: str | None
    ended_at: int | None
    ended_why: str | None
    acts: bool
    factor: bool
    genuine: bool


# --- giving -----------------------------------------------------------------------------------------------------------

TakeIn = Callable[[bytes], Awaitable[Paper | Unfit]]


async def add(
    database: Database,
    vault: Vault,
    store: Files,
    take_in: TakeIn,
    national_id: str,
    wanted: Wanted,
    *,
    by: str,
    clock: Callable[[], int],
    timezone: str,
) -> str:
    """`take_in`: `Papers.take`. → id of the grant. Raises `Refused`, `BadOrder`, `objects.Unstored`."""

    @retried
    async def in_one(file: str) -> tuple[_Fit, str]:
        """Checked; where there is a file, granted."""
        async with database.write() as tx:
            now = clock()
            try:
                fit = await _check(tx, vault, national_id, wanted, local_date(now, timezone), now)
            except Refused as why:
                refused = why
                await _note(tx, vault, national_id, refused, by, now)  # which is committed
            else:
                return fit, await _write(tx, vault, fit, wanted, file, by, now) if file else ""
        raise refused

    (fit, _) = await in_one("")
    paper = await take_in(wanted.order.pdf)
    if isinstance(paper, Unfit):
        raise BadOrder(paper)
    file = await store.put(fit.person.id, fit.person.key, paper.pdf, clock())
    return (await in_one(file.id))[1]


@dataclass(frozen=True)
class _Fit:
    """Who may be granted it. `home`: code of their own organisation; `signed_by`: a person's id, or a name."""

    person: Person
    home: str
    signed_by: str = field(repr=False)


async def _note(tx: Tx, vault: Vault, national_id: str, refused: Refused, by: str, now: int) -> None:
    person = await people.by_index(tx, vault, people.national_id_index(vault, national_id))
    if refused.code and person:
        await audit.append(tx, vault, now, [audit.Line(by, "officer.refused", person.id, {"why": refused.code})])


async def _check(tx: Tx, vault: Vault, national_id: str, wanted: Wanted, today: date, now: int) -> _Fit:
    _plausible(wanted, today)
    person = await _person(tx, vault, national_id)
    await people.lock(tx, [person.id])
    if not wanted.address_checked:
        await _mailbox_settled(tx, person, now)
    found = (await people.by_ids(tx, vault, [person.id])).get(person.id)  # as it stays, now that it is locked
    if found is None or found.status != ACTS:
        raise Refused("Only who is in active service may hold a role, and the roster says that they are not.")
    if not found.organisation_code:
        raise Refused(
            "The roster names no organisation of theirs that is known: import the organisations "
            "(kp7 import organisations), then the roster."
        )
    if not await ours(tx, vault, ORGANISATIONS, [wanted.scope]):
        raise Refused(f"There is no organisation {wanted.scope!r}.")
    signed_by = await _signer(tx, vault, person, wanted, today)
    if await tx.one(
        "SELECT 1 FROM grants WHERE person_id = :person AND role = :role AND scope = :scope AND below >= :below "
        "AND ended_at IS NULL AND (ends_on IS NULL OR ends_on >= :first) AND starts_on <= :last",
        {
            "person": person.id,
            "role": wanted.role,
            "scope": wanted.scope,
            "below": int(wanted.below),
            "first": wanted.starts_on.isoformat(),
            "last": (wanted.ends_on or date.max).isoformat(),
        },
    ):
        raise Refused("They hold this role already. `kp7 officer list` shows it.")
    return _Fit(found, found.organisation_code, signed_by)


async def _mailbox_settled(tx: Tx, person: Person, now: int) -> None:
    """Whoever reads the mailbox sets up the second factor, and is the officer then. One that came lately, and not with
    the roster, may be that of a colleague who confirmed who they are, and had their own address put there."""
    if await tx.one(
        "SELECT 1 FROM emails WHERE person_id = :id AND replaced_at IS NULL AND source IN ('self', 'officer') "
        "AND added_at > :since",
        {"id": person.id, "since": now - SETTLED},
    ):
        raise Refused(
            f"Their e-mail address was put on record in KP7 within the last {SETTLED // DAY} days. Ask them, by a "
            "telephone number that you know, whether it is theirs (kp7 person show); then add --address-checked.",
            "address_new",
        )


async def organisation(tx: Tx, vault: Vault, code_or_name: str) -> str:
    """→ its code. Raises `Refused`."""
    rows = await tx.all(
        ORGANISATIONS.where("t.code = :words OR t.name_th = :words OR t.name_en = :words ORDER BY t.code"),
        {"words": code_or_name.strip()},
    )
    found = [row for row in rows if ORGANISATIONS.genuine(vault, row)]
    if not found:
        raise Refused(f"There is no organisation {code_or_name!r}.")
    if len(found) > 1:
        raise Refused(f"Several organisations have this name: give one of the codes {_codes(found)}.")
    return str(found[0]["code"])


def _codes(rows: Sequence[Row]) -> str:
    return ", ".join(row["code"] for row in rows)


async def _person(tx: Tx, vault: Vault, national_id: str) -> Person:
    person = await people.by_index(tx, vault, people.national_id_index(vault, national_id))
    if person is None:
        raise Refused("Nobody on the roster has this ID.")
    return person


def _plausible(wanted: Wanted, today: date) -> None:
    order = wanted.order
    if wanted.role not in ROLES:
        raise Refused(f"--role is one of {', '.join(ROLES)}.")
    for option, words in (("--order", order.number), ("--signed-by", order.signed_by)):
        if not words.strip() or len(words) > LONGEST or not words.isprintable():
            raise Refused(f"{option} is one line of at most {LONGEST} characters.")
    if order.day > today:
        raise Refused(f"--order-date {order.day} lies in the future.")
    if wanted.ends_on and wanted.ends_on < max(wanted.starts_on, today):
        raise Refused(f"--until {wanted.ends_on} has passed, or is before --from {wanted.starts_on}.")


async def _signer(tx: Tx, vault: Vault, person: Person, wanted: Wanted, today: date) -> str:
    """→ what is kept of who signed: the person's id, or a name. Raises `Refused`."""
    typed = wanted.order.signed_by.strip()
    if not any(char.isdigit() for char in typed):
        await _check_name(tx, vault, person, typed, today)
        return typed
    try:
        index = people.national_id_index(vault, thai.national_id(typed))
    except Invalid:
        raise Refused("--signed-by is neither an ID nor a name.") from None
    signer = await people.by_index(tx, vault, index)
    if signer is None:
        raise Refused("Nobody on the roster has the ID of --signed-by: write their name instead.")
    if signer.id == person.id:
        raise _own_order()
    officer = (await officers(tx, vault, [signer.id], today)).get(signer.id)
    for held in officer.held if officer else ():
        if held.role not in MAY_SIGN_ORDERS or wanted.scope not in held.units:
            raise _passed_on()
    return signer.id


async def _check_name(tx: Tx, vault: Vault, person: Person, typed: str, today: date) -> None:
    """A name is no way around the rules for IDs."""
    signed = thai.name_key(typed)
    if len(signed) < SHORTEST_NAME:
        raise Refused("--signed-by is neither an ID nor a name.")
    if thai.name_key(person.full_name) in signed:
        raise _own_order()
    holders = await tx.all("SELECT DISTINCT person_id FROM grants WHERE ended_at IS NULL")
    held = await officers(tx, vault, [row["person_id"] for row in holders], today)
    named = await people.by_ids(tx, vault, list(held))
    if any(thai.name_key(one.full_name) in signed for one in named.values()):
        raise Refused(
            "Somebody of this name holds a role. If it was they who signed, give their ID; if it was somebody else of "
            "the same name, give theirs.",
            "signer_ambiguous",
        )


def _own_order() -> Refused:
    return Refused("Nobody signs an order for themselves.", "own_order")


def _passed_on() -> Refused:
    return Refused(
        "Whoever signed holds a role themselves, and a role is not passed on (letter มท ๐๔๐๒.๕/ว ๓๕๗๘): the order must "
        "be the head's.",
        "passed_on",
    )


async def _write(tx: Tx, vault: Vault, fit: _Fit, wanted: Wanted, file: str, by: str, now: int) -> str:
    if not await files.hold(tx, file, fit.person.id):
        raise RuntimeError("a file that was put just now has gone")
    order, key, id = wanted.order, fit.person.key, new_id()
    sealed = {"order_number": order.number.strip(), "signed_by": fit.signed_by}
    row: Row = {
        "id": id,
        "person_id": fit.person.id,
        "role": wanted.role,
        "scope": wanted.scope,
        "below": int(wanted.below),
        "home": fit.home,
        "key_id": key.id,
        "detail": key.seal(sealed, "grants", id, "detail"),
        "order_date": order.day.isoformat(),
        "order_file": file,
        "starts_on": wanted.starts_on.isoformat(),
        "ends_on": wanted.ends_on.isoformat() if wanted.ends_on else None,
        "granted_by": by,
        "granted_at": now,
        "ended_at": None,
        "ended_why": None,
    }
    await tx.run(
        f"INSERT INTO grants ({', '.join(GRANT)}, mac) VALUES ({', '.join(f':{name}' for name in GRANT)}, :mac)",  # noqa: S608
        {**row, "mac": grant_mac(vault, row)},
    )
    detail: dict[str, object] = {"grant": id, "role": wanted.role, "scope": wanted.scope, "below": wanted.below}
    if wanted.address_checked:
        detail["address_checked"] = True
    await audit.append(tx, vault, now, [audit.Line(by, "officer.granted", fit.person.id, detail)])
    return id


# --- ending -----------------------------------------------------------------------------------------------------------


@retried
async def revoke(
    database: Database,
    vault: Vault,
    national_id: str,
    *,
    grant: str = "",
    why: Why = "revoked",
    by: str,
    clock: Callable[[], int],
) -> int:
    """One grant of theirs, or all; what is to begin later, too. → how many. Raises `Refused`."""
    async with database.write() as tx:
        now = clock()
        row = await tx.one(
            "SELECT id FROM people WHERE id_index = :index", {"index": people.national_id_index(vault, national_id)}
        )
        if row is None:
            raise Refused("Nobody on the roster has this ID.")
        await people.lock(tx, [row["id"]])
        theirs = await tx.all("SELECT * FROM grants WHERE person_id = :id AND ended_at IS NULL", row)
        ending = [(one, why) for one in theirs if grant in ("", one["id"])]
        if not ending:
            raise Refused("They hold no such role. `kp7 officer list` shows who holds which.")
        await audit.append(tx, vault, now, await _end(tx, vault, ending, by, now))
    return len(ending)


async def end_of_transferred(tx: Tx, vault: Vault, person_ids: Sequence[str], *, by: str, now: int) -> list[audit.Line]:
    """What those of them hold who are no longer where they were, or no longer in service. In the transaction that has
    changed them, and has them locked. → what is to be written down"""
    rows = await tx.each(
        "SELECT g.*, p.organisation_code AS now_in, p.status FROM each(:batch) e "
        "JOIN grants g ON g.person_id = e.value ->> 'id' JOIN people p ON p.id = g.person_id "
        "WHERE g.ended_at IS NULL ORDER BY g.id",
        [{"id": id} for id in sorted(set(person_ids))],
    )
    ending: list[tuple[Row, Why]] = []
    for row in rows:
        if row["home"] != (row["now_in"] or ""):
            ending.append((row, "transferred"))
        elif row["status"] != ACTS:
            ending.append((row, "left"))
    return await _end(tx, vault, ending, by, now)


_END = """
UPDATE grants SET ended_at = CAST(b.value ->> 'ended_at' AS BIGINT), ended_why = b.value ->> 'ended_why',
    mac = b.value ->> 'mac'
FROM each(:batch) b WHERE grants.id = b.value ->> 'id' AND grants.ended_at IS NULL RETURNING grants.id
"""


async def _end(tx: Tx, vault: Vault, ending: Sequence[tuple[Row, Why]], by: str, now: int) -> list[audit.Line]:
    ended = []
    for row, why in ending:
        after = {**row, "ended_at": now, "ended_why": why}
        # what KP7 did not write does not become genuine by being ended
        after["mac"] = grant_mac(vault, after) if genuine(vault, row) else row["mac"]
        ended.append({name: after[name] for name in ("id", "person_id", "ended_at", "ended_why", "mac")})
    won = {row["id"] for row in await tx.each(_END, ended)}
    await tx.each(
        "DELETE FROM officer_sessions WHERE person_id IN (SELECT value ->> 'id' FROM each(:batch))",
        [{"id": row["person_id"]} for row in ended],
    )
    return [
        audit.Line(by, "officer.ended", row["person_id"], {"grant": row["id"], "why": row["ended_why"]})
        for row in ended
        if row["id"] in won
    ]


@retried
async def reset_factor(
    database: Database, vault: Vault, national_id: str, *, by: str, clock: Callable[[], int]
) -> None:
    """Of somebody whose telephone is lost: they set up another one. Raises `Refused`."""
    async with database.write() as tx:
        person = await _person(tx, vault, national_id)
        await people.lock(tx, [person.id])
        lost = await factors.lost(tx, vault, person.id)
        if not await factors.reset(tx, person.id) and not lost:
            raise Refused("They have no second factor.")
        await audit.append(tx, vault, clock(), [audit.Line(by, factors.RESET, person.id)])


# --- showing ----------------------------------------------------------------------------------------------------------

_EVERY = """
SELECT g.*, k.wrapped, o.name_th AS scope_name, f.confirmed_at FROM grants g
JOIN people p ON p.id = g.person_id LEFT JOIN keys k ON k.id = g.key_id AND k.id = p.key_id
LEFT JOIN organisations o ON o.code = g.scope LEFT JOIN second_factors f ON f.person_id = g.person_id
ORDER BY g.granted_at, g.id
"""


async def every(tx: Tx, vault: Vault, *, today: date, by: str, now: int) -> list[Grant]:
    """The oldest first, ended ones too. It is written down who looked."""
    rows = await tx.all(_EVERY)
    ids = sorted({row["person_id"] for row in rows})
    named = await people.by_ids(tx, vault, ids)
    acting = await officers(tx, vault, ids, today)
    in_force = {held.id for officer in acting.values() for held in officer.held}
    found = [_shown(vault, row, named[row["person_id"]], in_force) for row in rows]
    await audit.append(tx, vault, now, [audit.Line(by, "officer.listed", id) for id in ids])
    return found


def _shown(vault: Vault, row: Row, person: Person, in_force: set[str]) -> Grant:
    written = genuine(vault, row)
    return Grant(
        id=row["id"],
        person_id=person.id,
        name=person.full_name,
        unit=person.unit,
        role=row["role"],
        scope=row["scope"],
        scope_name=row["scope_name"] or row["scope"],
        below=bool(row["below"]),
        number=_number(vault, row) if written else "",
        order_day=row["order_date"],
        order_file=row["order_file"],
        starts_on=row["starts_on"],
        ends_on=row["ends_on"],
        ended_at=row["ended_at"],
        ended_why=row["ended_why"],
        acts=row["id"] in in_force,
        factor=row["confirmed_at"] is not None,
        genuine=written,
    )


def _number(vault: Vault, row: Row) -> str:
    try:
        detail = vault.unwrap(row["key_id"], row["wrapped"] or "").open(row["detail"], "grants", row["id"], "detail")
    except Tampered:
        return ""
    return str(detail["order_number"])


def genuine(vault: Vault, row: Mapping[str, Any]) -> bool:
    """Did KP7 write it?"""
    return fits(row["mac"], vault.secret("grants"), *(row[column] for column in GRANT))
