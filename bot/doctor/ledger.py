"""The ledger of who was erased: is all of it there, and does it reach back as far as the backups?"""

import asyncio
import time
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.backup import KEPT_DAYS_MOST
from bot.doctor.database import Unopened, opened
from bot.doctor.finding import Case, Findings, ok, skipped, warning, wrong
from bot.times import DAY
from storage import erasures, keys
from storage.database import Tx
from storage.erasures import Ledger
from storage.ids import time_of


async def look(case: Case) -> Findings:
    try:
        async with opened(case) as tx:
            async for finding in _look(tx, case):
                yield finding
    except Unopened:
        yield skipped("There is no database to compare it with.")


async def _look(tx: Tx, case: Case) -> Findings:
    try:
        end = await erasures.end(tx)
        secrets = await tx.all(keys.SECRETS)
        vault = keys.from_secrets(secrets, case.settings.master, case.settings.master_old)
    except Exception:  # what is wrong with it the check of the database says
        yield skipped("It can be looked at once the database is up to date and MASTER_KEY opens it.")
        return
    ledger = Ledger(case.settings.erased_path, vault.secret("erasures"))
    if fault := await asyncio.to_thread(ledger.fault, end):
        yield wrong(fault, erasures.MEND)
        return
    found = await asyncio.to_thread(ledger.read)
    if found is None:
        yield skipped(f"{ledger.path} is begun when KP7 first starts.")
        return
    first = await tx.one("SELECT MIN(id) AS id FROM people")
    over = found.since + (KEPT_DAYS_MOST + 1) * DAY  # no backup from before it is left by then
    if first and first["id"] and time_of(first["id"]) < found.since and time.time() * 1000 < over:
        since, until = (
            datetime.fromtimestamp(at / 1000, ZoneInfo(case.settings.timezone)) for at in (found.since, over)
        )
        yield warning(
            f"{ledger.path} says who was erased since {since:%Y-%m-%d %H:%M} only; people were here before.",
            f"Delete the backups from before: they bring back whom nobody knows of. Said until {until:%Y-%m-%d}.",
        )
    else:
        yield ok(f"{ledger.path.name} is whole: {len(found.all)} erasures.")
