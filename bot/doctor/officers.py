"""Officers: while papers are asked for, is somebody there to look at them?"""

from bot.doctor.database import Unopened, opened
from bot.doctor.finding import Case, Findings, ok, skipped, warning
from bot.times import local_date, wall_clock
from handlers.organisation.coverage import coverage
from storage import keys


async def look(case: Case) -> Findings:
    s = case.settings
    try:
        async with opened(case) as tx:
            vault = await keys.vault_of(tx, s.master, s.master_old)
            found = await coverage(tx, vault, local_date(wall_clock(), s.timezone))
    except Unopened:
        yield skipped("There is no database to look into.")
        return
    except Exception:  # which another check says
        yield skipped("The database does not know of officers yet.")
        return
    if not found.listed:
        yield ok("Nobody is asked for papers just now.")
    elif found.nobody:
        yield warning(
            f"For {found.nobody} of {found.listed} people who are asked for papers no officer is responsible.",
            "`kp7 officer list` names their units: appoint somebody (kp7 officer add); where the unit is unknown, "
            "import the organisations and then the roster again.",
        )
    else:
        yield ok(f"For each of {found.listed} people who are asked for papers there is an officer.")
