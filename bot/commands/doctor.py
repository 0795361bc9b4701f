"""`kp7 doctor`: what is wrong, and how to mend it."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from bot.commands.common import Json, err, out, plain, say_json, settings_and_faults

STYLES = {"ok": "green", "skipped": "dim", "warning": "yellow", "wrong": "bold red"}
EXIT_CODES = {"ok": 0, "skipped": 0, "warning": 1, "wrong": 3}


def doctor(
    mail_to: Annotated[str, typer.Option(metavar="ADDRESS", help="Send one test mail there.")] = "",
    as_json: Json = False,
) -> None:
    """Check every setting and everything KP7 talks to, and say how to mend it.

    Exit code 0: all is well, 1: warnings only, 3: something is wrong.
    """
    from bot.doctor.finding import Case
    from bot.doctor.rounds import examine, worst

    settings, faults = settings_and_faults(serving=True)
    with err.status("Looking …"):  # nothing where standard error is no terminal
        report = asyncio.run(examine(Case(settings, faults, mail_to=mail_to)))
    if as_json:
        findings = [{"check": check, **asdict(finding)} for check, finding in report]
        say_json({"level": worst(report), "findings": findings})
    else:
        for check, finding in report:
            style = STYLES[finding.level]
            out.print(
                f"[{style}]{finding.level:<8}[/] {check:<11} {escape(plain(finding.says))}",
                highlight=False,
                soft_wrap=True,
            )
            if finding.mend:
                out.print(f"{'':<21}→ {escape(plain(finding.mend))}", highlight=False, soft_wrap=True)
    raise typer.Exit(EXIT_CODES[worst(report)])
