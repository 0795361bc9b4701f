"""For how many people who are asked for papers no officer is responsible: nobody would ever look at what they send."""

from collections import Counter
from dataclasses import dataclass
from datetime import date

from handlers.organisation.authority import officers
from storage.database import Tx
from storage.vault import Vault

_LISTED = """
SELECT DISTINCT p.id, p.organisation_code, o.name_th FROM listed l
JOIN campaigns c ON c.id = l.campaign_id AND c.closed_at IS NULL JOIN people p ON p.id = l.person_id
LEFT JOIN organisations o ON o.code = p.organisation_code
"""


@dataclass(frozen=True)
class Coverage:
    """Of open campaigns. `listed`: people. `without`: those whom no officer may give a verdict, by name of their unit
    (empty: the roster names none that is known)."""

    listed: int
    without: dict[str, int]

    @property
    def nobody(self) -> int:
        return sum(self.without.values())


async def coverage(tx: Tx, vault: Vault, today: date) -> Coverage:
    holders = await tx.all("SELECT DISTINCT person_id FROM grants WHERE ended_at IS NULL")
    acting = (await officers(tx, vault, [row["person_id"] for row in holders], today)).values()
    may: dict[str, set[str]] = {}
    for officer in acting:
        for unit in officer.units("review"):
            may.setdefault(unit, set()).add(officer.person_id)
    listed = await tx.all(_LISTED)
    without = Counter(
        row["name_th"] or "" for row in listed if not may.get(row["organisation_code"], set()) - {row["id"]}
    )
    return Coverage(len(listed), dict(without))
