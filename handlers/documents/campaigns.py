"""Campaigns: who owes papers, and until when.

Who is listed after the day on which the campaign was made has days of their own from then on (`Campaign.day_of`), which
the letter leaves open. A person may be listed in several; they are asked for one at a time (`open_for`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import structlog

from bot.papers.shapes import unwritable
from bot.times import local_date
from bot.values import frozen
from handlers.documents import families, store
from handlers.documents.rules import (
    HANDED_IN,
    LEVELS_MOST,
    Family,
    Options,
    State,
    read_options,
    standing,
    write_options,
)
from storage import audit
from storage.database import Row, Tx
from storage.ids import new_id
from storage.people import DAMAGED
from storage.seals import CAMPAIGNS, ours
from storage.vault import Vault

log = structlog.get_logger()

KIND = "documents"
LATE_DAYS = 14
LATE_DAYS_MOST = 365
BEFORE_MOST = 3  # other campaigns that are named to a person, the newest
LONGEST = 200  # characters of a name or a purpose: as much as a line of a mark takes


class Refused(Exception):
    """A sentence for the operator."""


@frozen
class Owed:
    """For what somebody owes papers. `due`: this person's own day. `family`: what they have answered. `handed_in`:
    nothing is left for them to do. `returned`: how many papers came back. `before`: of other campaigns, also closed
    ones, the name of each and how many papers they have handed in there."""

    campaign_id: str
    name: str
    due: date
    options: Options
    family: Family | None
    handed_in: bool
    before: tuple[tuple[str, int], ...] = ()
    returned: int = 0


@dataclass(frozen=True)
class Terms:
    """What HR decides. `due`: when people must have handed in; `upstream_due`: when the office must have handed on what
    it got; `late_days`: who is listed later has so many days from then on, if that is more."""

    name: str
    due: date
    upstream_due: date
    late_days: int = LATE_DAYS
    options: Options = field(default_factory=Options)


@dataclass(frozen=True)
class Campaign:
    id: str
    terms: Terms
    made_on: date
    closed: bool

    def day_of(self, listed_on: date) -> date:
        """Until when somebody has who was listed on that day."""
        late = listed_on > self.made_on
        return max(self.terms.due, listed_on + timedelta(self.terms.late_days)) if late else self.terms.due


def check(terms: Terms, today: date) -> None:
    """Raises `Refused`."""
    if terms.due < today:
        raise Refused(f"--due {terms.due} lies in the past.")
    if terms.due > terms.upstream_due:
        raise Refused(f"--due {terms.due} is later than --upstream-due {terms.upstream_due}: the office would be late.")
    if not 0 <= terms.late_days <= LATE_DAYS_MOST:
        raise Refused(f"--late-days is a number from 0 to {LATE_DAYS_MOST}.")
    if not 1 <= terms.options.levels <= LEVELS_MOST:
        raise Refused(f"--levels is a number from 1 to {LEVELS_MOST}.")
    for option, words in (("--name", terms.name), ("--purpose", terms.options.purpose)):
        if len(words) > LONGEST or not words.isprintable():
            raise Refused(f"{option} is one line of at most {LONGEST} characters.")
    if not terms.name.strip():
        raise Refused("--name is blank.")
    if letters := unwritable(terms.options.purpose):
        raise Refused(f"--purpose has letters that no mark on a paper can have: {letters}")


# --- for conversations ------------------------------------------------------------------------------------------------


_LISTED = """
SELECT l.person_id, l.due, c.id, c.name, c.options, c.closed_at, p.slot, p.state FROM listed l
JOIN campaigns c ON c.id = l.campaign_id
LEFT JOIN papers p ON p.campaign_id = l.campaign_id AND p.person_id = l.person_id
WHERE l.person_id IN (SELECT value ->> 'id' FROM each(:batch)) AND c.kind = :kind ORDER BY c.made_at, c.id
"""


async def open_for(tx: Tx, vault: Vault, person_ids: Sequence[str]) -> Mapping[str, Owed]:
    """Person id → the open campaign that asks them first: the one with the earliest day, even if that has passed, of
    those in which something is left for them to hand in; else of all. Who is in none is not in it. Two queries."""
    rows = await tx.each(_LISTED, [{"id": id} for id in person_ids], {"kind": KIND})
    answers = await families.of(tx, vault, sorted({row["person_id"] for row in rows}))
    listed: dict[str, dict[str, Row]] = {}
    states: dict[tuple[str, str], dict[str, State]] = {}
    for row in rows:
        listed.setdefault(row["person_id"], {})[row["id"]] = row
        of_these = states.setdefault((row["person_id"], row["id"]), {})
        if row["slot"]:
            of_these[row["slot"]] = row["state"]
    found = {}
    for person, asking in listed.items():
        family = answers.get(person)
        have = {id: states[person, id] for id in asking}
        may = [_owed(row, family, have[id]) for id, row in asking.items() if row["closed_at"] is None]
        if may:
            first = min(may, key=lambda one: (one.handed_in, one.due))  # of equals the one that was made first
            sent = [(row["name"], _handed_in(have[id])) for id, row in asking.items() if id != first.campaign_id]
            found[person] = replace(first, before=tuple((name, n) for name, n in sent if n)[-BEFORE_MOST:])
    return found


def _owed(row: Row, family: Family | None, states: Mapping[str, State]) -> Owed:
    options = read_options(row["options"])
    papers = standing(family, options, states) if family else None
    return Owed(
        campaign_id=row["id"],
        name=row["name"],
        due=date.fromisoformat(row["due"]),
        options=options,
        family=family,
        handed_in=papers is not None and papers.handed_in == papers.whole,
        returned=sum(state == "returned" for state in states.values()),
    )


def _handed_in(states: Mapping[str, State]) -> int:
    return sum(state in HANDED_IN for state in states.values())


async def is_open(tx: Tx, campaign: str) -> bool:
    return await tx.one("SELECT 1 FROM campaigns WHERE id = :id AND closed_at IS NULL", {"id": campaign}) is not None


async def purpose(tx: Tx, campaign: str) -> str:
    """What its papers may be used for; empty: the catalogue's words."""
    row = await tx.one("SELECT options FROM campaigns WHERE id = :id", {"id": campaign})
    return read_options(row["options"]).purpose if row else ""


async def levels(tx: Tx, vault: Vault, campaign: str) -> int:
    """How many verdicts a paper needs; as many as there can be where KP7 did not write how many."""
    row = (await ours(tx, vault, CAMPAIGNS, [campaign])).get(campaign)
    return read_options(row["options"]).levels if row else LEVELS_MOST


# --- for HR -----------------------------------------------------------------------------------------------------------

_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('kp7 campaigns', 0)) FROM each(:batch)"


async def every(tx: Tx, timezone: str) -> list[tuple[Campaign, int]]:
    """The newest first, each with how many people are listed. One that does not open keeps none of the others back."""
    rows = await tx.all(
        "SELECT c.*, (SELECT COUNT(*) FROM listed l WHERE l.campaign_id = c.id) AS people "
        "FROM campaigns c WHERE c.kind = :kind ORDER BY c.made_at DESC, c.id DESC",
        {"kind": KIND},
    )
    found = []
    for row in rows:
        try:
            found.append((_campaign(row, timezone), row["people"]))
        except Refused:
            log.error("campaign_unreadable", campaign=ascii(row["id"]))
    return found


async def get(tx: Tx, id: str, timezone: str) -> Campaign:
    """Raises `Refused`."""
    row = await tx.one("SELECT * FROM campaigns WHERE id = :id AND kind = :kind", {"id": id, "kind": KIND})
    if not row:
        raise Refused(f"There is no campaign {id!r}. `kp7 campaign list` shows them all.")
    return _campaign(row, timezone)


async def get_open(tx: Tx, id: str, timezone: str) -> Campaign:
    """As `get`. In a transaction that writes, it stays as it is until that ends; people's papers may come meanwhile."""
    await tx.among(
        "SELECT 1 FROM campaigns WHERE id IN (SELECT value ->> 'id' FROM each(:batch)) FOR NO KEY UPDATE", [{"id": id}]
    )
    campaign = await get(tx, id, timezone)
    if campaign.closed:
        raise Refused(f"The campaign {id} is closed.")
    return campaign


async def same(tx: Tx, terms: Terms, timezone: str) -> Campaign | None:
    """The open campaign of that name, for who starts it again. Raises `Refused` if it is on other terms."""
    row = await tx.one(
        "SELECT * FROM campaigns WHERE kind = :kind AND name = :name AND closed_at IS NULL",
        {"kind": KIND, "name": terms.name},
    )
    if not row:
        return None
    campaign = _campaign(row, timezone)
    if campaign.terms != terms:
        raise Refused(
            f"An open campaign has this name, and other days or options: add people to it with --campaign {row['id']}, "
            "move its days with `kp7 campaign due`, or give this one another --name."
        )
    return campaign


async def begin(tx: Tx, vault: Vault, terms: Terms, timezone: str, *, by: str, now: int) -> Campaign:
    """Make it, if it was not made already. Raises `Refused`."""
    await tx.among(_ONE_AT_A_TIME, [{}])
    if made := await same(tx, terms, timezone):
        return made
    row = {"id": new_id(), "kind": KIND, **_columns(terms), "made_at": now, "closed_at": None}
    await tx.run(
        "INSERT INTO campaigns (id, kind, name, upstream_due, due, late_days, options, made_at, mac) "
        "VALUES (:id, :kind, :name, :upstream_due, :due, :late_days, :options, :made_at, :mac)",
        {**row, "mac": CAMPAIGNS.made(vault, row)},
    )
    detail = {"campaign": row["id"], **_told(terms), "options": asdict(terms.options)}
    await audit.append(tx, vault, now, [audit.Line(by, "campaign.made", None, detail)])
    return _campaign(row, timezone)


async def close(tx: Tx, vault: Vault, id: str, *, by: str, now: int) -> int | None:
    """Nobody is asked for papers any more. What was handed in stays; what was not, nobody will ever look at: it goes.
    → of how many people, or None: it was closed before. Raises `Refused`."""
    await get(tx, id, "UTC")
    row = {"id": id}
    closed = "UPDATE campaigns SET closed_at = :now WHERE id = :id AND closed_at IS NULL"
    if not await tx.run(closed, {**row, "now": now}):
        return None
    await tx.all("SELECT 1 FROM listed WHERE campaign_id = :id ORDER BY person_id FOR UPDATE", row)
    people = await store.drop_open(tx, "campaign_id = :id", row, now, store.NEVER_HANDED_IN)
    detail = {"campaign": id, "unfinished": people}
    await audit.append(tx, vault, now, [audit.Line(by, "campaign.closed", None, detail)])
    return people


async def move(
    tx: Tx, vault: Vault, id: str, due: date, upstream_due: date | None, timezone: str, *, by: str, now: int
) -> int:
    """Its day is another one, and with it that of the people who had the campaign's, not one that was theirs alone.
    → of how many. Raises `Refused`."""
    before = await get_open(tx, id, timezone)
    terms = Terms(**{**vars(before.terms), "due": due, "upstream_due": upstream_due or before.terms.upstream_due})
    check(terms, local_date(now, timezone))
    after = Campaign(id, terms, before.made_on, closed=False)
    await tx.run(
        "UPDATE campaigns SET due = :due, upstream_due = :upstream_due WHERE id = :id", {"id": id, **_columns(terms)}
    )
    moved = 0
    for row in await tx.all("SELECT DISTINCT listed_on FROM listed WHERE campaign_id = :id", {"id": id}):
        listed_on = date.fromisoformat(row["listed_on"])
        old, new = before.day_of(listed_on).isoformat(), after.day_of(listed_on).isoformat()
        moved += old != new and await tx.run(
            "UPDATE listed SET due = :new WHERE campaign_id = :id AND listed_on = :listed_on AND due = :old",
            {"id": id, "listed_on": row["listed_on"], "old": old, "new": new},
        )
    if before.terms != terms:
        detail = {"campaign": id, "from": _told(before.terms), "to": _told(terms), "people": moved}
        await audit.append(tx, vault, now, [audit.Line(by, "campaign.moved", None, detail)])
    return moved


def _columns(terms: Terms) -> dict[str, Any]:
    return {"name": terms.name, **_told(terms), "options": write_options(terms.options)}


def _told(terms: Terms) -> dict[str, Any]:
    """For the audit log."""
    return {
        "due": terms.due.isoformat(),
        "upstream_due": terms.upstream_due.isoformat(),
        "late_days": terms.late_days,
    }


def _campaign(row: Row, timezone: str) -> Campaign:
    """Raises `Refused` for a row that KP7 did not write so."""
    try:
        for words in (row["id"], row["name"]):
            words.encode()
        terms = Terms(
            name=row["name"],
            due=date.fromisoformat(row["due"]),
            upstream_due=date.fromisoformat(row["upstream_due"]),
            late_days=row["late_days"],
            options=read_options(row["options"]),
        )
        timedelta(terms.late_days)
        made_on = local_date(row["made_at"], timezone)
    except (*DAMAGED, AttributeError, OSError) as error:  # OSError: a moment that this machine's calendar has not
        raise Refused(
            f"The campaign {row['id']!a} does not open: its row was edited, or is damaged. Restore it from a backup."
        ) from error
    return Campaign(row["id"], terms, made_on, row["closed_at"] is not None)
