"""`kp7 audit`: who read or changed what, and whether the log of it is whole."""

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from bot.commands.common import Json, err, out, plain, with_database
from bot.settings import Settings

app = typer.Typer(help="Who read or changed personal data or rights.", no_args_is_help=True)
ANCHORS = 500  # looked up at a time

_FAULTS = {
    "edited": "line {seq} was edited",
    "missing": "line {seq} is missing",
    "head": "the log does not end at line {seq} as it should",
    "anchor": "line {seq} is not the one that was anchored",
}


@app.command()
def show(
    person: Annotated[str, typer.Option(help="Only about this person: 13 digits, or the id in the log.")] = "",
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="From this day on (CE).")] = None,
    as_json: Json = False,
) -> None:
    """The lines, oldest first."""
    from storage import audit

    async def work(settings: Settings, database: Any, vault: Any) -> None:
        zone = ZoneInfo(settings.timezone)
        start = int(since.replace(tzinfo=zone).timestamp() * 1000) if since else 0
        async with database.read() as tx:
            subject = await _subject(tx, vault, person)
            async for line in audit.show(tx, subject=subject, since=start):
                at = datetime.fromtimestamp(line["at"] / 1000, zone).isoformat(timespec="seconds")
                if as_json:
                    print(json.dumps({**line, "at": at}, ensure_ascii=False))
                    continue
                detail = json.dumps(line["detail"], ensure_ascii=False) if line["detail"] else ""
                words = (str(line["seq"]), at, line["actor"], line["action"], line["subject"] or "-", detail)
                out.print(plain("  ".join(words).rstrip()), markup=False, highlight=False, soft_wrap=True)

    with_database(work)


async def _subject(tx: Any, vault: Any, person: str) -> str:
    from bot import thai
    from bot.events import Invalid
    from storage import people

    try:
        wanted = thai.national_id(person)
    except Invalid:
        return person
    found = await people.by_index(tx, vault, people.national_id_index(vault, wanted))
    if found is None:
        err.print("Nobody on the roster has this ID.")
        raise typer.Exit(1)
    return found.id


@app.command()
def verify(
    anchor: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, readable=True, help="Anchored lines; AUDIT_ANCHOR is read anyway."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Is every line there and unchanged? Exit code 1 if not."""
    from rich.progress import Progress

    from bot.anchors import files
    from storage import audit

    async def work(settings: Settings, database: Any, vault: Any) -> audit.Verdict:
        verifier = audit.Verifier(vault)
        async with database.read() as tx:
            head = await audit.head(tx)
            with Progress(console=err, disable=as_json or not err.is_terminal) as progress:
                bar = progress.add_task("audit", total=head.seq if head else 0)
                async for done in verifier.run(tx):
                    progress.update(bar, completed=done)
            for path in {path.resolve() for path in (*files(settings), *([anchor] if anchor else []))}:
                for told in _chunks(path):
                    await verifier.anchored(tx, told)
        return verifier.verdict

    try:
        verdict = with_database(work)
    except ValueError as error:
        err.print(f"Not an anchored line: {error}", markup=False)
        raise typer.Exit(2) from None
    faults = [{"line": fault.seq, "fault": fault.code} for fault in verdict.faults]
    if as_json:
        print(json.dumps({"lines": verdict.lines, "anchors": verdict.anchors, "faults": faults, "all": verdict.count}))
    else:
        for fault in verdict.faults:
            out.print(_FAULTS[fault.code].format(seq=fault.seq))
        if verdict.count > len(faults):
            out.print(f"… and {verdict.count - len(faults)} more")
        anchored = f", {verdict.anchors} anchored lines" if verdict.anchors else ", none anchored elsewhere"
        out.print(f"{verdict.lines} lines{anchored}: {'NOT WHOLE' if verdict.count else 'whole'}")
    raise typer.Exit(1 if verdict.count else 0)


def _chunks(path: Path) -> Iterator[list[Any]]:
    from storage import audit

    with path.open(encoding="utf-8") as file:
        heads = (audit.read_anchor(line) for line in file if line.strip())
        while chunk := list(islice(heads, ANCHORS)):
            yield chunk


@app.command("anchor")
def anchor_now() -> None:
    """Print where the log ends, and tell it to AUDIT_ANCHOR at once."""
    from bot.anchors import Anchors
    from bot.mail import Mailer
    from bot.text import Texts
    from bot.times import wall_clock
    from storage import audit

    async def work(settings: Settings, database: Any, vault: Any) -> tuple[str, list[str]]:
        async with database.read() as tx:
            head = await audit.head(tx)
        if head is None:
            return "The log is empty.", []
        anchors = Anchors(database, vault, Mailer(settings, Texts(timezone=settings.timezone)), settings, wall_clock)
        return audit.anchor_line(head, wall_clock()), await anchors.tell(head)

    line, failed = with_database(work)
    out.print(line, highlight=False, soft_wrap=True)
    for reason in failed:
        err.print(f"not told: {reason}", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1 if failed else 0)
