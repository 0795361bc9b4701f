"""How far the units are with a campaign, in numbers (letter มท ๐๔๐๒.๕/ว ๓๕๗๘). Recomputed each time, some hundred
people at a time; no names, and so no line in the audit log."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from handlers.documents.campaigns import Campaign
from handlers.documents.progress import Progress, progress
from storage.database import Database
from storage.seals import PEOPLE
from storage.vault import Vault

_CHUNK = 200  # people


@dataclass
class Numbers:
    """Of one unit. `unit`: its code, empty where the roster names none that there is; `name`: as on the roster. People:
    `listed`, `complete` (all handed in), `certified` (all approved or waived). Papers: `waiting` for a verdict,
    `returned`, `approved` or waived."""

    unit: str
    name: str
    listed: int = 0
    complete: int = 0
    certified: int = 0
    waiting: int = 0
    returned: int = 0
    approved: int = 0

    def add(self, one: Progress) -> None:
        self.listed += 1
        self.complete += one.complete
        self.certified += one.certified
        for state in one.states.values():
            self.waiting += state in ("submitted", "waiting")
            self.returned += state == "returned"
            self.approved += state in ("approved", "waived")


async def numbers(
    database: Database, vault: Vault, campaign: Campaign, units: frozenset[str] | None = None
) -> list[Numbers]:
    """By code, those without one last. `units`: codes of those that whoever asks may know of
    (`Officer.units("numbers")`); None: all."""
    found: dict[tuple[str, str], Numbers] = {}
    async for _, unit, name, one in _each(database, vault, campaign, units):
        place = (unit, "" if unit else name)
        found.setdefault(place, Numbers(unit, name)).add(one)
    return sorted(found.values(), key=lambda of: (not of.unit, of.unit, of.name))


async def certified_people(
    database: Database, vault: Vault, campaign: Campaign, units: frozenset[str] | None = None
) -> list[str]:
    """Ids of those of whom all that they owe was approved or waived."""
    return [id async for id, _, _, one in _each(database, vault, campaign, units) if one.certified]


_LISTED = """
SELECT w.id, w.id_index, w.status, w.mac, w.unit, w.organisation_code FROM listed l JOIN people w ON w.id = l.person_id
WHERE l.campaign_id = :campaign ORDER BY w.id
"""


async def _each(
    database: Database, vault: Vault, campaign: Campaign, units: frozenset[str] | None
) -> AsyncIterator[tuple[str, str, str, Progress]]:
    """Id, code and name of the unit, how far. No transaction is open in between."""
    async with database.read() as tx:
        listed = await tx.all(_LISTED, {"campaign": campaign.id})
    wanted = [row for row in listed if units is None or (row["organisation_code"] in units and PEOPLE.fits(vault, row))]
    for start in range(0, len(wanted), _CHUNK):
        some = wanted[start : start + _CHUNK]
        async with database.read() as tx:
            found = await progress(tx, vault, campaign, [row["id"] for row in some])
        for row in some:
            yield row["id"], row["organisation_code"] or "", row["unit"], found[row["id"]]
