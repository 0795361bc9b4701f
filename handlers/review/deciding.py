"""A verdict on an item of the queue, wherever it comes from: a button in a chat, or a key at the desk.

In one transaction: the officer's roles are looked up, the item is looked for among what waits for them, it must be what
was seen, and the verdict is written where only the first one can be (`documents/verdicts.py`); then the owner's notice
and, last, the audit log. Who comes too late is told what was decided.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from bot import thai
from bot.events import Invalid, Say
from bot.outbox import Entry
from bot.settings import Settings
from bot.times import MINUTE, local_date, moment
from handlers.documents import campaigns, verdicts
from handlers.identity import checks, requests
from handlers.organisation import authority
from handlers.organisation.roles import Held, Officer
from handlers.review import queue
from handlers.review.describing import describe
from handlers.review.queue import NEEDS, Item, Kind
from handlers.review.rules import Wanted, check_reason
from storage import audit, people
from storage.database import Row, Tx
from storage.people import Person
from storage.seals import CHECKS, PEOPLE, REQUESTS, ours
from storage.vault import Vault

TELL_AFTER = 2 * MINUTE  # what is decided by then is told in one message
RESULTS = "verdicts"  # purpose of the notice


@dataclass(frozen=True)
class Decision:
    """What an officer wants. `seen`: digest of the item on the screen. `reason`: a code of `rules.py`, where something
    is returned; `words`: their own, then or as an answer. `sure`: they were asked twice, as something disagrees."""

    id: str
    seen: str
    wanted: Wanted
    reason: str = ""
    words: str = field(default="", repr=False)
    sure: bool = False


@dataclass(frozen=True)
class Decided:
    """`entries`: rows for the outbox, of this transaction. `logged_out`: accounts that lost their session
    (`Context.logged_out`)."""

    item: Item
    verdict: str
    entries: Sequence[Entry] = ()
    logged_out: Sequence[str] = ()


@dataclass(frozen=True)
class _Case:
    """An item before somebody who may decide it, by `grant`."""

    tx: Tx
    vault: Vault
    settings: Settings
    officer: Officer
    grant: Held
    item: Item
    owner: Person
    decision: Decision
    by: str
    now: int

    async def log(self, action: str, **detail: object) -> None:
        """The last statement of all."""
        detail = {"grant": self.grant.id, **detail}
        await audit.append(self.tx, self.vault, self.now, [audit.Line(self.by, action, self.owner.id, detail)])

    async def too_late(self) -> Invalid:
        return await too_late(self.tx, self.vault, self.settings, self.officer, self.decision.id)


# What an officer may want of each kind; anything else is not offered, and refused.
MAY_WANT: Mapping[Kind, frozenset[Wanted]] = {
    "paper": frozenset({"approve", "return"}),
    "paper2": frozenset({"approve", "return"}),
    "waiver": frozenset({"approve", "return"}),
    "identity": frozenset({"confirm", "refuse"}),
    "lock": frozenset({"unlock", "refuse"}),
    "relink": frozenset({"keep", "cut_off"}),
    "help": frozenset({"answer"}),
}


async def decide(
    tx: Tx, vault: Vault, settings: Settings, officer_id: str, decision: Decision, *, by: str, now: int
) -> Decided:
    """`by`: `<channel>:<the officer's id>`. Whoever calls has made sure that it is this officer, second factor and all.

    Raises `Invalid`: item_gone, item_changed, item_unreadable, item_<verdict> (somebody was faster), same_officer,
    not_officer, reason_needed, reason_unknown, reason_long, item_mismatch (`sure` is wanted), answer_needed,
    answer_long, words_piled.
    """
    today = local_date(now, settings.timezone)
    officer = await authority.officer(tx, vault, officer_id, today)
    if officer is None:
        raise Invalid("not_officer")
    item = await queue.find(tx, vault, officer, decision.id)
    if item is None:
        raise await too_late(tx, vault, settings, officer, decision.id)
    if item.seen != decision.seen:
        raise Invalid("item_changed")
    grant = officer.grant_for(NEEDS[item.kind], item.unit, item.owner)
    if grant is None or decision.wanted not in MAY_WANT[item.kind]:
        raise Invalid("item_gone")
    try:
        shown = await describe(tx, vault, settings, officer, item)
    except Invalid:  # decided since it was found
        raise await too_late(tx, vault, settings, officer, decision.id) from None
    if not shown.readable:
        raise Invalid("item_unreadable")  # nobody decides what nobody can be shown
    owner = await people.by_id(tx, vault, item.owner)
    decision = replace(decision, words=thai.clean(decision.words))
    case = _Case(tx, vault, settings, officer, grant, item, owner, decision, by, now)
    match item.kind:
        case "identity":
            return await _identity(case)
        case "help" | "lock" | "relink":
            return await _request(case)
        case _:
            return await _paper(case)


async def _paper(case: _Case) -> Decided:
    tx, item, decision = case.tx, case.item, case.decision
    row = await tx.one("SELECT * FROM papers WHERE id = :id FOR UPDATE", {"id": item.id})
    asked = await tx.one(
        "SELECT due FROM listed WHERE campaign_id = :campaign AND person_id = :person",
        {"campaign": item.campaign, "person": item.owner},
    )
    if row is None or (row["version"], row["level"]) != (item.version, item.level):
        raise Invalid("item_changed")
    if row["state"] not in ("submitted", "waiting"):  # decided since it was found, by somebody who held the row
        raise await case.too_late()
    if any(one["officer_id"] == case.officer.person_id for one in await _at_other_levels(tx, item)):
        raise Invalid("same_officer")
    if await _let_in(tx, case):
        raise Invalid("same_officer")
    returned = decision.wanted == "return"
    reason, words = (decision.reason, decision.words) if returned else ("", "")
    if returned:
        check_reason(item.slot, decision.reason, decision.words, waiver=item.kind == "waiver")
    verdict: verdicts.Verdict = "returned" if returned else "waived" if item.kind == "waiver" else "approved"
    today = local_date(case.now, case.settings.timezone)
    until = max(today + timedelta(case.settings.return_days), date.fromisoformat(asked["due"]) if asked else today)
    given = await verdicts.give(
        tx,
        case.vault,
        case.owner.key,
        row,
        verdict,
        last_level=item.level >= await campaigns.levels(tx, case.vault, item.campaign),
        officer=case.officer.person_id,
        grant=case.grant.id,
        now=case.now,
        reason=reason,
        words=words,
        until=until if returned else None,
    )
    if not given:
        raise await case.too_late()
    entries = await _tell_owner(tx, case.owner, case.now)
    await case.log(f"paper.{verdict}", paper=item.id, slot=item.slot, version=item.version, level=item.level)
    return Decided(item, verdict, entries)


async def _at_other_levels(tx: Tx, item: Item) -> Sequence[Mapping[str, Any]]:
    return [row for row in await verdicts.of_paper(tx, item.id) if row["version"] == item.version]


async def _let_in(tx: Tx, case: _Case) -> bool:
    """Was it this officer who confirmed that the owner is who they say? Then somebody else judges the papers: or one
    officer could be both."""
    index = people.national_id_index(case.vault, case.owner.profile["national_id"])
    confirmed = await tx.all(
        CHECKS.where("t.id_index = :index AND t.verdict = 'confirmed' AND t.decided_by LIKE :by"),
        {"index": index, "by": f"%:{case.officer.person_id}"},
    )
    return any(CHECKS.genuine(case.vault, row) for row in confirmed)


async def _tell_owner(tx: Tx, owner: Person, now: int) -> list[Entry]:
    """One notice for all that is decided in these minutes: the first claim collects it."""
    pending = await tx.one(
        "SELECT 1 FROM outbox WHERE person_id = :person AND kind = 'notice' AND purpose = :purpose AND dead_at IS NULL",
        {"person": owner.id, "purpose": RESULTS},
    )
    if pending:
        return []
    return [Entry.make("notice", RESULTS, {}, owner.key, now=now, person_id=owner.id, due_at=now + TELL_AFTER)]


async def _identity(case: _Case) -> Decided:
    """The officer has seen the person and their card; whom the roster has under that ID decides who may know."""
    try:
        given = await checks.give(
            case.tx,
            case.vault,
            case.item.id,
            confirmed=case.decision.wanted == "confirm",
            despite_mismatch=case.decision.sure,
            by=case.by,
            now=case.now,
            grant=case.grant.id,
        )
    except checks.Undecidable as why:
        if why.code == "mismatch":
            raise Invalid("item_mismatch") from None
        raise await case.too_late() from None
    await audit.append(case.tx, case.vault, case.now, [given.line])
    return Decided(case.item, given.verdict, given.entries)


_CLOSES: Mapping[Wanted, requests.Verdict] = {
    "answer": "answered",
    "unlock": "unlocked",
    "keep": "kept",
    "cut_off": "cut_off",
    "refuse": "refused",
}


async def _request(case: _Case) -> Decided:
    tx, owner, now = case.tx, case.owner, case.now
    verdict = _CLOSES[case.decision.wanted]
    answer = requests.checked_answer(case.decision.words) if verdict == "answered" else ""
    asked = await requests.request(tx, case.vault, case.item.id)
    if asked is None or asked.version != case.item.version:
        raise Invalid("item_changed")
    if not await requests.close(
        tx, case.vault, asked, owner.key, verdict, officer=case.officer.person_id, now=now, answer=answer
    ):
        raise await case.too_late()
    entries: list[Entry] = []
    logged_out: list[str] = []
    match verdict:
        case "answered":
            entries = [requests.tell(asked, owner, "hr_answer", now)]
        case "unlocked":
            await checks.lift(tx, case.vault, owner, now)
            entries = [requests.tell(asked, owner, "unlocked", now)]
        case "cut_off":
            logged_out = await requests.cut_off(tx, asked)
            entries = await requests.tell_cut_off(tx, case.vault, case.settings.timezone, asked, owner, logged_out, now)
    await case.log(f"request.{verdict}", request=asked.id, kind=asked.kind)
    return Decided(case.item, verdict, entries, logged_out)


# Whatever can be decided, with who did, for who comes too late. `who`: as in the audit log, or an officer's id.
_DECIDED = """
SELECT v.verdict, v.officer_id AS who, v.at, v.person_id AS owner, w.organisation_code AS unit, 'paper' AS kind
FROM verdicts v JOIN people w ON w.id = v.person_id WHERE v.paper_id = :id
UNION ALL
SELECT c.verdict, c.decided_by, c.decided_at, w.id, w.organisation_code, 'identity'
FROM identity_checks c JOIN people w ON w.id_index = c.id_index WHERE c.id = :id AND c.decided_at IS NOT NULL
UNION ALL
SELECT r.verdict, r.officer_id, r.decided_at, r.person_id, w.organisation_code, r.kind
FROM requests r JOIN people w ON w.id = r.person_id WHERE r.id = :id AND r.decided_at IS NOT NULL
ORDER BY 3 DESC
"""


async def too_late(tx: Tx, vault: Vault, settings: Settings, officer: Officer, id: str) -> Invalid:
    """Who may know of it at all is told who was faster, and how it was decided."""
    rows = await tx.all(_DECIDED, {"id": id})
    if not rows:
        return Invalid("item_gone")
    row = rows[0]
    kinds: Sequence[Kind] = queue.PAPERS_AND_WAIVERS if row["kind"] == "paper" else (row["kind"],)
    if not any(officer.grant_for(NEEDS[kind], row["unit"], row["owner"]) for kind in kinds):
        return Invalid("item_gone")
    if not await _ours(tx, vault, row, id):
        return Invalid("item_gone")
    by = (row["who"] or "").rpartition(":")[2]
    found = await people.legible(tx, vault, [by])
    then = moment(row["at"], settings.timezone)
    name: object = found[by].full_name if by in found else Say("somebody")
    return Invalid(f"item_{row['verdict']}", officer=name, day=then.date(), time=then)


async def _ours(tx: Tx, vault: Vault, decided: Row, id: str) -> bool:
    """Did KP7 write whose it is, and what was decided?"""
    owner = (await ours(tx, vault, PEOPLE, [decided["owner"]])).get(decided["owner"])
    if owner is None or owner["organisation_code"] != decided["unit"]:
        return False
    if decided["kind"] == "paper":
        return True
    return bool(await ours(tx, vault, CHECKS if decided["kind"] == "identity" else REQUESTS, [id]))
