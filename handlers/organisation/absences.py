"""An officer's queue is a colleague's for some days: who they may be, and the row that says so.

A role is not passed on by this (letter มท ๐๔๐๒.๕/ว ๓๕๗๘): the colleague holds every role of the officer's for the same
units by an order of their own. What changes is who is told that something waits.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from bot.events import Invalid
from bot.outbox import Entry
from bot.times import local_date
from bot.topic import Context, Equipment, Sweep, Truth, Words
from handlers.organisation import authority, proofs
from handlers.organisation import effects as do
from handlers.organisation.authority import ABSENCE, absence_mac
from handlers.organisation.roles import Officer
from handlers.organisation.script import DAYS_AWAY
from storage import audit, people
from storage.database import Row, Tx
from storage.ids import new_id
from storage.macs import fits
from storage.people import Person
from storage.vault import Vault

NOTICE = "hand_over"
COLLEAGUES_MOST = 8  # buttons


async def look(context: Context, _: do.Colleagues) -> dict[str, object]:
    """It is written down who looked."""
    tx, today = context.tx, _today(context)
    officer = await _officer(context, today)
    own = await _own(tx, context.vault, officer.person_id, today)
    found = [] if own else await _colleagues(tx, context.vault, officer, today)
    by = f"{context.visitor.channel}:{officer.person_id}"
    await audit.append(tx, context.vault, context.now, [audit.Line(by, "officer.listed", one.id) for one in found])
    return {
        "today": today.isoformat(),
        "until": max((row["ends_on"] for row in own), default=""),
        "people": [[one.id, one.name] for one in found],
    }


async def hand_over(context: Context, effect: do.HandOver) -> bool:
    tx, vault, today = context.tx, context.vault, _today(context)
    officer = await _proved(context, today)
    ends_on = date.fromisoformat(effect.until)
    await people.lock(tx, [officer.person_id])
    near = {one.id: one for one in await _colleagues(tx, vault, officer, today)}
    if effect.colleague not in near or not 0 <= (ends_on - today).days <= DAYS_AWAY:
        raise Invalid("hand_over_not_possible")
    if await _own(tx, vault, officer.person_id, today):
        raise Invalid("hand_over_not_possible")
    colleague = near[effect.colleague]
    row: Row = {
        "id": new_id(),
        "person_id": officer.person_id,
        "colleague_id": colleague.id,
        "starts_on": today.isoformat(),
        "ends_on": ends_on.isoformat(),
        "made_at": context.now,
    }
    await tx.run(
        f"INSERT INTO absences ({', '.join(ABSENCE)}, mac) VALUES ({', '.join(f':{name}' for name in ABSENCE)}, :mac)",  # noqa: S608
        {**row, "mac": absence_mac(vault, row)},
    )
    told = {"absence": row["id"]}
    context.entries.append(
        Entry.make("notice", NOTICE, told, colleague.key, now=context.now, person_id=colleague.id, due_at=context.now)
    )
    by = f"{context.visitor.channel}:{officer.person_id}"
    detail = {"until": row["ends_on"], "colleague": colleague.id}
    await audit.append(tx, vault, context.now, [audit.Line(by, "officer.away", officer.person_id, detail)])
    return True


async def come_back(context: Context, _: do.ComeBack) -> bool:
    """Earlier than they said."""
    tx, today = context.tx, _today(context)
    officer = await _proved(context, today)
    ended = await tx.run(
        "DELETE FROM absences WHERE person_id = :id AND ends_on >= :today",
        {"id": officer.person_id, "today": today.isoformat()},
    )
    if ended:
        by = f"{context.visitor.channel}:{officer.person_id}"
        await audit.append(tx, context.vault, context.now, [audit.Line(by, "officer.back", officer.person_id)])
    return True


_TODAY = "SELECT * FROM absences WHERE starts_on <= :today AND ends_on >= :today ORDER BY id"
_CHATS = """
SELECT a.id, a.person_id FROM each(:batch) e JOIN accounts a ON a.person_id = e.value ->> 'id' AND a.reachable = 1
ORDER BY a.seen_at, a.id
"""


def lapsing(house: Equipment) -> Sweep:
    async def lapsed_hand_overs(tx: Tx, now: int) -> Mapping[str, Words]:
        """Whose colleague does not hold these roles any more is back, and is told so."""
        vault, today = house.vault, local_date(now, house.policy.settings.timezone)
        given = [row for row in await tx.all(_TODAY, {"today": today.isoformat()}) if _genuine(vault, row)]
        if not given:
            return {}
        acting = await authority.officers(tx, vault, [row["person_id"] for row in given], today)
        lapsed = [row for row in given if row["person_id"] in acting and not acting[row["person_id"]].away]
        ended = await tx.each(
            "DELETE FROM absences WHERE id IN (SELECT value ->> 'id' FROM each(:batch)) RETURNING person_id",
            [{"id": row["id"]} for row in lapsed],
        )
        who = [row["person_id"] for row in ended]
        chats = {row["person_id"]: row["id"] for row in await tx.each(_CHATS, [{"id": id} for id in who])}
        lines = [audit.Line("kp7", "officer.back", id, {"why": "colleague"}) for id in who]
        await audit.append(tx, vault, now, lines)
        return dict.fromkeys(chats.values(), Words("hand_over.lapsed", menu=("hand_over", "review")))

    return lapsed_hand_overs


def told(vault: Vault) -> Truth:
    """To the colleague; nothing, once it was ended."""

    async def words(tx: Tx, entry: Entry, _: int) -> Words | None:
        row = await tx.one("SELECT * FROM absences WHERE id = :id", {"id": entry.content["absence"]})
        if row is None or row["colleague_id"] != entry.person_id or not _genuine(vault, row):
            return None
        away = (await people.by_ids(tx, vault, [row["person_id"]])).get(row["person_id"])
        if away is None:
            return None
        params = {"name": away.full_name, "until": date.fromisoformat(row["ends_on"])}
        return Words("hand_over.told", params, menu=("review",))

    return words


def _today(context: Context) -> date:
    return local_date(context.now, context.settings.timezone)


async def _officer(context: Context, today: date) -> Officer:
    """Raises `Invalid`."""
    visitor = context.visitor
    if visitor.person_id and visitor.logged_in:
        found = await authority.officer(context.tx, context.vault, visitor.person_id, today)
        if found is not None:
            return found
    raise Invalid("not_officer")


async def _proved(context: Context, today: date) -> Officer:
    """Raises `Invalid`."""
    officer = await _officer(context, today)
    tx, vault, visitor = context.tx, context.vault, context.visitor
    proof = await proofs.proved(tx, vault, context.settings, visitor.id, context.now, lock=True)
    if proof is None or proof.person_id != officer.person_id:
        raise Invalid("factor_over")
    return officer


async def _own(tx: Tx, vault: Vault, person_id: str, today: date) -> list[Row]:
    rows = await tx.all(
        "SELECT * FROM absences WHERE person_id = :id AND ends_on >= :today",
        {"id": person_id, "today": today.isoformat()},
    )
    return [row for row in rows if _genuine(vault, row)]


def _genuine(vault: Vault, row: Row) -> bool:
    return fits(row["mac"], vault.secret("absences"), *(row[column] for column in ABSENCE))


async def _colleagues(tx: Tx, vault: Vault, officer: Officer, today: date) -> Sequence[Person]:
    """Who could look after it, and is not away themselves."""
    holders = await tx.all("SELECT DISTINCT person_id FROM grants WHERE ended_at IS NULL")
    acting = await authority.officers(tx, vault, [row["person_id"] for row in holders], today)
    near = [one.person_id for one in acting.values() if one.covers(officer) and not one.away]
    found = await people.by_ids(tx, vault, near)
    return sorted(found.values(), key=lambda one: one.name)[:COLLEAGUES_MOST]
