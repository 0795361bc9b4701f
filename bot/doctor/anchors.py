"""The files of `AUDIT_ANCHOR`: do they still have what they were told?"""

from bot import anchors
from bot.doctor.database import Unopened, opened
from bot.doctor.finding import Case, Findings, ok, skipped, wrong
from storage import keys


async def look(case: Case) -> Findings:
    s = case.settings
    if not anchors.destinations(s):
        yield skipped("AUDIT_ANCHOR is not set: nobody off this machine is told where the audit log ends.")
        return
    try:
        async with opened(case) as tx:
            vault = await keys.vault_of(tx, s.master, s.master_old)
            found = await anchors.lacking(tx, vault, s)
    except Unopened:
        yield skipped("There is no database to compare them with.")
        return
    except Exception:  # what is wrong with it the check of the database says
        yield skipped("They can be looked at once the database is up to date and MASTER_KEY opens it.")
        return
    for aside in found:
        yield wrong(
            f"{aside.says}.",
            "Find out who put it aside, and compare it with `kp7 audit verify --anchor`; after a restore, or if all is "
            "well, `kp7 audit anchor` begins another one.",
        )
    if not found:
        yield ok("Every file of AUDIT_ANCHOR has the last line that it was told.")
