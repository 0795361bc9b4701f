"""A verdict on an item of the queue, wherever it comes from: a button in a chat, or a key at the desk.

In one transaction: the officer's roles are looked up, the item is looked for among what waits for them, it must be what
was seen, and the verdict is written where only the first one can be (`documents/verdicts.py`); then the owner's notice
and, last, the audit log. Who comes too late is told what was decided.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal

from bot.events import Invalid
from bot.outbox import Entry
from bot.settings import Settings
from bot.times import MINUTE, local_date
from handlers.documents import verdicts
from handlers.documents.rules import read_options
from handlers.organisation import authority
from handlers.organisation.roles import Held, Officer
from handlers.review import queue
from handlers.review.queue import NEEDS, Item
from handlers.review.rules import check_reason
from storage import audit, people
from storage.database import Tx
from storage.people import Person
from storage.vault import Vault

Wanted = Literal["approve", "return"]
TELL_AFTER = 2 * MINUTE  # what is decided by then is told in one message
RESULTS = "verdicts"  # purpose of the notice


@dataclass(frozen=True)
class Decision:
    """What an officer wants. `seen`: digest of the item on the screen. `reason`: a code of `rules.py`, `words`:
    their own; both only where something is returned."""

    id: str
    seen: str
    wanted: Wanted
    reason: str = ""
    words: str = field(default="", repr=False)


@dataclass(frozen=True)
class Decided:
    """`entries`: rows for the outbox, of this transaction."""

    item: Item
    verdict: str
    entries: Sequence[Entry] = ()


async def decide(
    tx: Tx, vault: Vault, settings: Settings, officer_id: str, decision: Decision, *, by: str, now: int
) -> Decided:
    """`by`: as in `audit.Line`. Whoever calls has made sure that it is this officer, second factor and all.

    Raises `Invalid`: item_gone, item_changed, item_decided, same_officer, not_officer, reason_needed, reason_unknown.
    """
    today = local_date(now, settings.timezone)
    officer = await authority.officer(tx, vault, officer_id, today)
    if officer is None:
        raise Invalid("not_officer")
    item = await queue.find(tx, officer, decision.id)
    if item is None:
        raise await _too_late(tx, vault, officer, decision)
    if item.seen != decision.seen:
        raise Invalid("item_changed")
    grant = officer.grant_for(NEEDS[item.kind], item.unit, item.owner)
    if grant is None:
        raise Invalid("item_gone")
    owner = await people.by_id(tx, vault, item.owner)
    if item.kind in ("paper", "paper2", "waiver"):
        return await _paper(tx, vault, settings, officer, grant, item, owner, decision, by=by, now=now)
    raise Invalid("item_gone")


async def _paper(
    tx: Tx,
    vault: Vault,
    settings: Settings,
    officer: Officer,
    grant: Held,
    item: Item,
    owner: Person,
    decision: Decision,
    *,
    by: str,
    now: int,
) -> Decided:
    row = await tx.one("SELECT * FROM papers WHERE id = :id FOR UPDATE", {"id": item.id})
    campaign = await tx.one("SELECT options FROM campaigns WHERE id = :id", {"id": item.campaign})
    asked = await tx.one(
        "SELECT due FROM listed WHERE campaign_id = :campaign AND person_id = :person",
        {"campaign": item.campaign, "person": item.owner},
    )
    if row is None or campaign is None or (row["version"], row["level"]) != (item.version, item.level):
        raise Invalid("item_changed")
    if any(one["officer_id"] == officer.person_id for one in await _at_other_levels(tx, item)):
        raise Invalid("same_officer")
    returned = decision.wanted == "return"
    if returned:
        check_reason(item.slot, decision.reason, decision.words, waiver=item.kind == "waiver")
    verdict: verdicts.Verdict = "returned" if returned else "waived" if item.kind == "waiver" else "approved"
    today = local_date(now, settings.timezone)
    until = max(today + timedelta(settings.return_days), date.fromisoformat(asked["due"]) if asked else today)
    given = await verdicts.give(
        tx,
        vault,
        owner.key,
        row,
        verdict,
        last_level=item.level >= read_options(campaign["options"]).levels,
        officer=officer.person_id,
        grant=grant.id,
        now=now,
        reason=decision.reason,
        words=decision.words,
        until=until if returned else None,
    )
    if not given:
        raise await _too_late(tx, vault, officer, decision)
    entries = await _tell_owner(tx, owner, now)
    detail = {"paper": item.id, "slot": item.slot, "version": item.version, "level": item.level, "grant": grant.id}
    await audit.append(tx, vault, now, [audit.Line(by, f"paper.{verdict}", owner.id, detail)])
    return Decided(item, verdict, entries)


async def _at_other_levels(tx: Tx, item: Item) -> Sequence[Mapping[str, Any]]:
    return [row for row in await verdicts.of_paper(tx, item.id) if row["version"] == item.version]


async def _tell_owner(tx: Tx, owner: Person, now: int) -> list[Entry]:
    """One notice for all that is decided in these minutes: the first claim collects it."""
    pending = await tx.one(
        "SELECT 1 FROM outbox WHERE person_id = :person AND kind = 'notice' AND purpose = :purpose AND dead_at IS NULL",
        {"person": owner.id, "purpose": RESULTS},
    )
    if pending:
        return []
    return [Entry.make("notice", RESULTS, {}, owner.key, now=now, person_id=owner.id, due_at=now + TELL_AFTER)]


async def _too_late(tx: Tx, vault: Vault, officer: Officer, decision: Decision) -> Invalid:
    """Who may know of the paper at all is told who was faster, and how it was decided."""
    row = await tx.one(
        "SELECT v.verdict, v.officer_id, v.at, v.person_id, w.organisation_code AS unit FROM verdicts v "
        "JOIN people w ON w.id = v.person_id WHERE v.paper_id = :id ORDER BY v.at DESC, v.id DESC LIMIT 1",
        {"id": decision.id},
    )
    allowed = row and any(officer.grant_for(NEEDS[kind], row["unit"], row["person_id"]) for kind in _PAPERS)
    if not row or not allowed:
        return Invalid("item_gone")
    found = await people.by_ids(tx, vault, [row["officer_id"]])
    name = found[row["officer_id"]].full_name if row["officer_id"] in found else ""
    return Invalid(f"item_{row['verdict']}", officer=name, at=row["at"])


_PAPERS: tuple[queue.Kind, ...] = ("paper", "paper2", "waiver")
