"""Who is listed in a campaign, and how far they are: for HR's eyes."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from handlers.documents.campaigns import Campaign
from handlers.documents.progress import Progress, progress
from handlers.documents.rules import HANDED_IN
from storage import audit, people
from storage.database import Database, Row, retried
from storage.vault import Vault

_CHUNK = 200  # people; as short a lock as an import's own

# they have not answered what they owe; have, and handed in nothing; a part of it; all of it
Stage = Literal["not_begun", "answered", "part", "complete"]
STAGES: tuple[Stage, ...] = ("not_begun", "answered", "part", "complete")


@dataclass(frozen=True)
class Standing:
    """`due`: their own day. `papers`: how many there are in which state; what is missing is in none. `owed`: how many
    they owe by what they have answered, which is opened for this; None where they have not. `handed_in`: of these.
    `certified`: all of it was approved or waived."""

    person_id: str
    name: str = field(repr=False)
    unit: str
    listed_on: date
    due: date
    papers: Mapping[str, int]
    owed: int | None
    handed_in: int
    certified: bool

    @property
    def stage(self) -> Stage:
        if self.handed_in:
            return "complete" if self.handed_in == self.owed else "part"
        return "not_begun" if self.owed is None else "answered"


async def standings(
    database: Database, vault: Vault, campaign: Campaign, *, by: str, clock: Callable[[], int]
) -> AsyncIterator[Standing]:
    """By day, and in the order in which they came to the roster. It is written down who was shown to `by`."""

    @retried
    async def look(rows: Sequence[Row]) -> list[Standing]:
        async with database.write() as tx:
            found = await people.by_ids(tx, vault, [row["person_id"] for row in rows])
            far = await progress(tx, vault, campaign, list(found))
            shown = [_standing(row, found[id], far[id]) for row in rows if (id := row["person_id"]) in found]
            lines = [audit.Line(by, "campaign.shown", one.person_id, {"campaign": campaign.id}) for one in shown]
            await audit.append(tx, vault, clock(), lines)
        return shown

    async with database.read() as tx:
        listed = await tx.all(
            "SELECT person_id, listed_on, due FROM listed WHERE campaign_id = :id ORDER BY due, person_id",
            {"id": campaign.id},
        )
    for start in range(0, len(listed), _CHUNK):
        for one in await look(listed[start : start + _CHUNK]):
            yield one


def _standing(row: Row, person: people.Person, far: Progress) -> Standing:
    owing = far.checklist
    return Standing(
        person_id=person.id,
        name=person.full_name,
        unit=person.unit,
        listed_on=date.fromisoformat(row["listed_on"]),
        due=date.fromisoformat(row["due"]),
        papers=dict(sorted(Counter(far.states.values()).items())),
        owed=owing.whole if owing else None,
        handed_in=owing.handed_in if owing else sum(state in HANDED_IN for state in far.states.values()),
        certified=far.certified,
    )
