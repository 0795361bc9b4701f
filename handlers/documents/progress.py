"""How far people are with their papers: recomputed from what they answered, what they handed in, what was decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handlers.documents import approvals, campaigns, families
from handlers.documents.campaigns import Campaign
from handlers.documents.rules import Checklist, State, standing
from storage.database import Tx
from storage.vault import Vault


@dataclass(frozen=True)
class Progress:
    """`states`: of the papers that there are, by slot. `checklist`: None where they have not answered what they owe.
    `certified`: all of that was approved or waived, by verdicts that KP7 gave."""

    states: Mapping[str, State]
    checklist: Checklist | None
    certified: bool

    @property
    def complete(self) -> bool:
        """All that is owed is handed in."""
        return self.checklist is not None and self.checklist.handed_in == self.checklist.whole


_PAPERS = """
SELECT p.id, p.campaign_id, p.person_id, p.slot, p.version, p.state, p.content_index FROM each(:batch) e
JOIN papers p ON p.person_id = e.value ->> 'id' AND p.campaign_id = :campaign
"""


async def progress(tx: Tx, vault: Vault, campaign: Campaign, ids: Sequence[str]) -> dict[str, Progress]:
    """By person, of each of them. Four queries; some hundred people at a time, as it takes memory and time."""
    options = campaign.terms.options
    answers = await families.of(tx, vault, ids)
    given = await approvals.given(tx, campaign.id, ids)
    levels = await campaigns.levels(tx, vault, campaign.id)
    states: dict[str, dict[str, State]] = {id: {} for id in ids}
    settled: dict[str, set[str]] = {id: set() for id in ids}
    for row in await tx.each(_PAPERS, [{"id": id} for id in ids], {"campaign": campaign.id}):
        states[row["person_id"]][row["slot"]] = row["state"]
        if approvals.settled(vault, row, given.get(row["id"], ()), levels):
            settled[row["person_id"]].add(row["slot"])
    found = {}
    for id in ids:
        owing = standing(answers[id], options, states[id]) if id in answers else None
        certified = owing is not None and all((slot.reuses or slot.id) in settled[id] for slot in owing.slots)
        found[id] = Progress(states[id], owing, certified)
    return found
