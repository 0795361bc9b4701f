"""Which papers count as approved or waived for what leaves the house: not those of which a column says so, as whoever
writes the database may edit it, but those with verdicts that KP7 gave, on exactly what is there, by as many officers as
the campaign asks for."""

from collections.abc import Mapping, Sequence
from typing import Any

from handlers.documents.verdicts import genuine
from storage.database import Row, Tx
from storage.vault import Vault

_GIVEN = """
SELECT v.* FROM each(:batch) e
JOIN papers p ON p.person_id = e.value ->> 'id' AND p.campaign_id = :campaign
JOIN verdicts v ON v.paper_id = p.id AND v.version = p.version ORDER BY v.level, v.at, v.id
"""
_SAME = ("campaign_id", "person_id", "slot", "version", "content_index")


async def given(tx: Tx, campaign: str, people: Sequence[str]) -> dict[str, list[Row]]:
    """Paper id → the verdicts on the version that there is now, genuine or not."""
    found: dict[str, list[Row]] = {}
    for row in await tx.each(_GIVEN, [{"id": id} for id in people], {"campaign": campaign}):
        found.setdefault(row["paper_id"], []).append(row)
    return found


def settled(vault: Vault, paper: Mapping[str, Any], verdicts: Sequence[Row], levels: int) -> Row | None:
    """The verdict that made it what its `state` says, the last of them; None: it is neither approved nor waived, or
    not by KP7. `paper`: a row. `verdicts`: of `given`. `levels`: how many the campaign asks for."""
    fitting = [row for row in verdicts if all(row[name] == paper[name] for name in _SAME) and genuine(vault, row)]
    if any(row["verdict"] == "returned" for row in fitting):
        return None
    if paper["state"] == "waived":
        return next((row for row in fitting if row["verdict"] == "waived"), None)
    if paper["state"] != "approved":
        return None
    approved = {row["level"]: row for row in fitting if row["verdict"] == "approved"}
    officers = {row["officer_id"] for row in approved.values()} - {paper["person_id"]}
    enough = all(level in approved for level in range(1, levels + 1)) and len(officers) == len(approved)
    return approved[max(approved)] if enough else None
