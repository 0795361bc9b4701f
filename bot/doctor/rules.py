"""The rules of the table `policy`: did KP7 write them, does this version understand them, can they all count?"""

from datetime import date

from bot import policy
from bot.doctor.database import Unopened, opened
from bot.doctor.finding import Case, Findings, ok, skipped, warning, wrong
from bot.times import local_date, wall_clock
from storage import keys

SHOWN = 5


async def look(case: Case) -> Findings:
    s = case.settings
    try:
        async with opened(case) as tx:
            vault = await keys.vault_of(tx, s.master, s.master_old)
            entries, unusable = await policy.read_all(tx, vault)
    except Unopened:
        yield skipped("There is no database to look into.")
        return
    except Exception:  # which another check says
        yield skipped("The database has no rules that can be read.")
        return
    if foreign := [row.id for row in unusable if row.why == "not_ours"]:
        yield wrong(
            f"The table policy has rows that KP7 did not write, or that were edited: {_some(foreign)}. "
            "They count for nothing.",
            "Ask who had access to the database; run `kp7 audit verify`; set these rules again with `kp7 policy set`.",
        )
    if strange := [row.id for row in unusable if row.why == "not_understood"]:
        yield warning(
            f"The table policy has rules that this version does not know or does not allow: {_some(strange)}. "
            "They count for nothing.",
            "Set them again with `kp7 policy set`, within the bounds of docs/operators.md.",
        )
    day: date = local_date(wall_clock(), s.timezone)
    if policy.contradict(s, entries, day):
        yield warning(
            "phone_digits_min is more than phone_digits_max today, so for both counts what the settings say.",
            "Set one of them again with `kp7 policy set`.",
        )
    yield ok(f"{len(policy.standing(s, entries, day))} of {len(policy.RULES)} rules are set by `kp7 policy` today.")


def _some(ids: list[str]) -> str:
    return ", ".join(ids[:SHOWN]) + (f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else "")
