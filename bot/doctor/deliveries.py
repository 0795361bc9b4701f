"""Is anything waiting that should have gone out?"""

import time

from bot.doctor.database import Unopened, opened
from bot.doctor.finding import Case, Findings, ok, skipped, warning
from bot.health import BACKLOG, BEHIND_SECONDS


async def look(case: Case) -> Findings:
    try:
        async with opened(case) as tx:
            row = await tx.one(BACKLOG)
    except Unopened:
        yield skipped("There is no database to look into.")
        return
    except Exception:
        yield skipped("The database has no outbox to look into.")
        return
    assert row is not None
    late = time.time() - row["oldest"] / 1000 if row["oldest"] is not None else 0
    dead = row["everything"] - row["waiting"]
    if late > BEHIND_SECONDS:
        yield warning(
            f"A message has been waiting for {late / 60:.0f} minutes; {row['waiting']} wait in all.",
            "Look whether KP7 runs, and in its log for delivery_postponed, which names the reason.",
        )
    if dead:
        yield warning(
            f"{dead} messages could not be delivered in the last days.", "Its log says why, in lines with dead_letter."
        )
    if late <= BEHIND_SECONDS and not dead:
        yield ok("Nothing is late.")
