"""Who is on record and not in a full export of the roster. They are shown; only when asked for they are retired, that
is: their status says that they have left, and nothing else of theirs is touched."""

from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass, field

from handlers.identity.rules import IN_SERVICE
from handlers.organisation.grants import end_of_transferred
from handlers.organisation.refusals import BadFile
from storage import audit, people
from storage.database import Database, Row, retried
from storage.roster import retire
from storage.vault import Vault

_CHUNK = 200  # people; as short a lock as an import's own


@dataclass(frozen=True)
class Missing:
    """`name`: title, first and last name, for HR's eyes; not for logs."""

    person_id: str
    name: str = field(repr=False)
    unit: str
    status: str


async def find_missing(database: Database, present: Collection[str]) -> tuple[list[Row], int]:
    """Those in service whose blind index is not among `present` (`id`, `status`), and how many are in service."""
    missing: list[Row] = []
    in_service = 0
    async for chunk in _in_service(database):
        in_service += len(chunk)
        missing += [{"id": row["id"], "status": row["status"]} for row in chunk if row["id_index"] not in present]
    return missing, in_service


async def named(
    database: Database, vault: Vault, missing: list[Row], by: str, clock: Callable[[], int]
) -> list[Missing]:
    """The same people, to be shown to `by`."""

    @retried
    async def look(ids: list[str]) -> dict[str, people.Person]:
        async with database.write() as tx:
            found = await people.by_ids(tx, vault, ids)
            await audit.append(tx, vault, clock(), [audit.Line(by, "roster.missing", id) for id in found])
        return found

    shown: list[Missing] = []
    for start in range(0, len(missing), _CHUNK):
        ids = [row["id"] for row in missing[start : start + _CHUNK]]
        found = await look(ids)
        shown += [Missing(one.id, one.full_name, one.unit, one.status) for id in ids if (one := found.get(id))]
    return shown


def refuse_to_retire(missing: int, in_service: int, unreadable: Collection[int], at_most: int) -> None:
    """Raises `BadFile` where the file is not to be trusted as a full one: `missing_unsure` if rows have no readable ID,
    for they may be anybody's; `missing_too_many` if more than `at_most` percent of those in service are missing."""
    if not missing:
        return
    if unreadable:
        raise BadFile("missing_unsure", rows=", ".join(map(str, unreadable)))
    if missing * 100 > in_service * at_most:
        raise BadFile("missing_too_many", missing=missing, people=in_service, percent=at_most)


async def retire_missing(
    database: Database, vault: Vault, missing: list[Row], by: str, clock: Callable[[], int]
) -> int:
    """→ how many; somebody whose status has changed since is left alone"""

    @retried
    async def write(chunk: list[Row]) -> int:
        async with database.write() as tx:
            now = clock()
            ids = await retire(tx, vault, chunk, now)
            lines = [audit.Line(by, "roster.retired", id) for id in ids]
            lines += await end_of_transferred(tx, vault, ids, by=by, now=now)
            await audit.append(tx, vault, now, lines)
        return len(ids)

    return sum([await write(missing[start : start + _CHUNK]) for start in range(0, len(missing), _CHUNK)])


async def _in_service(database: Database) -> AsyncIterator[list[Row]]:
    after = ""
    while True:
        async with database.read() as tx:
            rows = await tx.all(
                "SELECT id, id_index, status FROM people WHERE id > :after ORDER BY id LIMIT 1000", {"after": after}
            )
        if not rows:
            return
        after = rows[-1]["id"]
        yield [row for row in rows if row["status"] in IN_SERVICE]
