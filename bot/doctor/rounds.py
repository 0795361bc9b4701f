"""The table of checks, and how they are run: side by side, each with a time limit, none able to hide another."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from bot.doctor import (
    anchors,
    cards,
    clock,
    database,
    deliveries,
    files,
    ledger,
    line,
    machine,
    mail,
    ocr,
    officers,
    papers,
    public,
    rules,
    schedule,
    seals,
    settings,
    store,
)
from bot.doctor.finding import LEVELS, Case, Finding, Level, Look, skipped, wrong
from bot.faults import ENV_FILE, shown
from bot.logs import place


@dataclass(frozen=True)
class Check:
    """`needs`: beginnings of names of settings; where one of these is wrong, looking further would only confuse."""

    name: str
    look: Look
    needs: tuple[str, ...] = ()
    seconds: float = 20


CHECKS = (
    Check("settings", settings.look),
    Check("machine", machine.look),
    Check("files", files.look),
    Check("database", database.look, ("database_url", "master_key"), seconds=60),
    Check("rules", rules.look, ("database_url", "master_key", "timezone")),
    Check("seals", seals.look, ("database_url", "master_key"), seconds=60),
    Check("officers", officers.look, ("database_url", "master_key", "timezone")),
    Check("anchors", anchors.look, ("database_url", "master_key", "audit_anchor")),
    Check("erasures", ledger.look, ("database_url", "master_key", "erased_file")),
    Check("store", store.look, ("files_url", "database_url"), seconds=90),
    Check("papers", papers.look, ("clamd", "papers_at_once"), seconds=30),
    Check("deliveries", deliveries.look, ("database_url",)),
    Check("schedule", schedule.look, ("database_url",)),
    Check("clock", clock.look, ("timezone",)),
    Check("mail", mail.look, ("smtp_",), seconds=60),
    Check("public", public.look, ("public_url", "master_key"), seconds=30),
    Check("line", line.look, ("line_", "public_url"), seconds=40),
    Check("ocr", ocr.look, ("ocr",)),
    Check("cards", cards.look, ("card_verifier", "database_url"), seconds=30),
)

Report = list[tuple[str, Finding]]


async def examine(case: Case, checks: Sequence[Check] = CHECKS) -> Report:
    """All findings, in the order of the table, with the names of their checks."""
    found = await asyncio.gather(*(_run(check, case) for check in checks))
    return [(check.name, finding) for check, findings in zip(checks, found, strict=True) for finding in findings]


def worst(report: Report) -> Level:
    return max((finding.level for _, finding in report), key=LEVELS.index, default="ok")


async def _run(check: Check, case: Case) -> list[Finding]:
    needs = (*check.needs, ENV_FILE) if check.needs else ("-",)
    waits_for = sorted(shown(name) for name, _ in case.faults if name.startswith(needs))
    if waits_for:
        return [skipped(f"Waits for {' and '.join(waits_for)}.")]
    found: list[Finding] = []
    try:
        async with asyncio.timeout(check.seconds), aclosing(check.look(case)) as findings:
            async for finding in findings:
                found.append(finding)  # noqa: PERF401  what was found before the time was up counts
    except TimeoutError:
        found.append(wrong(f"This did not finish within {check.seconds:g} seconds.", "Look whether that peer answers."))
    except Exception as error:  # a doctor who falls ill must not hide what the others found
        found.append(wrong(f"This check failed: {type(error).__name__} at {place(error)}.", "Please report this."))
    return found
