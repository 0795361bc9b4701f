"""Does what falls due by the clock come to pass: idle sessions end, what has had its time is deleted?"""

import time

from bot.doctor.database import Unopened, opened
from bot.doctor.finding import Case, Findings, ok, skipped, warning, wrong
from bot.standing import LATE_SECONDS, together
from storage import processes


async def look(case: Case) -> Findings:
    now = int(time.time() * 1000)
    try:
        async with opened(case) as tx:
            running = await processes.keys_in_use(tx)
            standing = await together(tx)
    except Unopened:
        yield skipped("There is no database to look into.")
        return
    except Exception:
        yield skipped("The database does not know of a schedule yet.")
        return
    if standing is None and not running:
        yield skipped("KP7 does not run on this database just now.")
        return
    if standing is None:
        yield wrong("The schedule runs nowhere: no session ends, nothing is deleted.", "Start a `kp7 worker`.")
        return
    for name, failing in sorted(standing.failing.items()):
        yield wrong(
            f"{name} has failed for {_long((now - failing.since) / 1000)}: {failing.why}.",
            "Mend what it names, or report it if it names a file and a line; KP7 tries again three times a minute.",
        )
    if not standing.failing and standing.late(now) > LATE_SECONDS:
        yield warning(
            f"The schedule has not come through for {_long(standing.late(now))}.",
            "Look whether the database is very busy, or another program holds it; if not, restart KP7 and report it.",
        )
    if standing.is_well(now):
        yield ok("All chores of the schedule come through.")


def _long(seconds: float) -> str:
    minutes = max(0, round(seconds / 60))
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"
