"""Moving an office: all that is in one database into another, empty one, of either kind.

Tables are found in the schema, so none that comes later is forgotten. The source is read in one snapshot, a chunk at a
time; the target gets everything in one transaction, or nothing.
"""

from collections.abc import Callable, Iterable, Mapping

from storage.database import Database, Table, Tx

CHUNK = 1_000
_MIGRATIONS = "migrations"  # written by migrating the target; must be the same already


class Uncopyable(Exception):
    """The target is not one that this source can be copied into: in words for the operator."""


async def copy(
    source: Database, target: Database, progress: Callable[[int, int], None] = lambda _done, _of: None
) -> Mapping[str, int]:
    """Both migrated to the same version. `progress`: rows done, of how many. → rows by table. Raises `Uncopyable`."""
    async with source.read() as old, target.write() as new:
        tables = await source.tables(old)
        _compare(tables, await target.tables(new))
        if await _names(old) != await _names(new):
            raise Uncopyable("the two databases are of different versions: run `kp7 migrate` on the source")
        if full := [name for name, rows in (await _count(new, tables)).items() if rows]:
            raise Uncopyable(f"the target is not empty: {', '.join(full)}")
        wanted, done = await _count(old, tables), 0
        for table in parents_first(tables):
            if table.name == _MIGRATIONS:
                continue
            columns = ", ".join(f'"{column}"' for column in table.columns)
            values = ", ".join(f":{column}" for column in table.columns)
            insert = f'INSERT INTO "{table.name}" ({columns}) VALUES ({values})'  # noqa: S608  names of the schema
            async for rows in old.chunks(f'SELECT {columns} FROM "{table.name}"', CHUNK):  # noqa: S608
                await new.many(insert, rows)
                done += len(rows)
                progress(done, sum(wanted.values()))
        copied = await _count(new, tables)
        if copied != wanted:
            wrong = [name for name in wanted if copied[name] != wanted[name]]
            raise Uncopyable(f"rows are missing in the target, nothing was kept there: {', '.join(wrong)}")
    return copied


def _compare(ours: Iterable[Table], theirs: Iterable[Table]) -> None:
    here, there = ({table.name: frozenset(table.columns) for table in tables} for tables in (ours, theirs))
    if different := sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name)):
        raise Uncopyable(f"tables that are not the same in both databases: {', '.join(different)}")


async def _names(tx: Tx) -> list[str]:
    return [row["name"] for row in await tx.all(f"SELECT name FROM {_MIGRATIONS} ORDER BY name")]  # noqa: S608


async def _count(tx: Tx, tables: Iterable[Table]) -> dict[str, int]:
    counts = {}
    for table in tables:
        if table.name != _MIGRATIONS:
            row = await tx.one(f'SELECT COUNT(*) AS n FROM "{table.name}"')  # noqa: S608
            counts[table.name] = row["n"] if row else 0
    return counts


def parents_first(tables: Iterable[Table]) -> list[Table]:
    """What rows refer to is there before them. Tables that refer to each other must do so deferred."""
    left, ordered = list(tables), list[Table]()
    while left:
        names = {table.name for table in left}
        ready = [table for table in left if not (table.parents - {table.name}) & names] or left
        ordered += ready
        left = [table for table in left if table not in ready]
    return ordered
