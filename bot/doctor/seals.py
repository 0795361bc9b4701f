"""Rows on which it hangs who may see and decide what: did KP7 write each of them?"""

from bot.doctor.database import Unopened, opened
from bot.doctor.finding import Case, Findings, ok, skipped, wrong
from storage import keys, seals

SHOWN = 5


async def look(case: Case) -> Findings:
    forged: dict[str, list[str]] = {}
    try:
        async with opened(case) as tx:
            vault = await keys.vault_of(tx, case.settings.master, case.settings.master_old)
            async for table, id in seals.forged(tx, vault):
                forged.setdefault(table, []).append(id)
    except Unopened:
        yield skipped("There is no database to look into.")
        return
    except Exception:  # which another check says
        yield skipped("The database has no such rows that can be read.")
        return
    for table, ids in forged.items():
        more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
        yield wrong(
            f"The table {table} has rows that KP7 did not write, or that were edited: {', '.join(ids[:SHOWN])}{more}. "
            "They count for nothing.",
            "Ask who had access to the database; run `kp7 audit verify`. Importing the organisations and the roster "
            "again mends those of people and of organisations.",
        )
    if not forged:
        yield ok("Whoever people are and belong to, and what HR was asked and decided, was written by KP7.")
