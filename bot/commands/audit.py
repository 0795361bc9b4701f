"""`kp7 audit`: who read or changed what, and whether the log of it is whole."""

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from bot.commands.common import Json, complain, day, err, moment, out, say, say_json, with_database
from bot.settings import Settings

app = typer.Typer(help="Who read or changed personal data or rights.", no_args_is_help=True)
ANCHORS = 500  # looked up at a time
LINE = 200  # bytes, and no anchored line has as many

_FAULTS = {
    "edited": "line {seq} was edited",
    "missing": "line {seq} is missing",
    "head": "the log does not end at line {seq} as it should",
    "anchor": "line {seq} is not the one that was anchored",
    "aside": "line {seq} was told to AUDIT_ANCHOR and is not there: the file was put aside, emptied or replaced",
    "rule": "line {seq} tells of a rule whose row is gone from the table policy",
    "altered": "line {seq} tells of a rule whose row in the table policy was edited",
    "back": "line {seq} tells of an erasure, and what was erased is there again: restart KP7, which erases it",
    "unlogged": "the table policy has a row that no line tells of",
    "ungranted": "the table grants has a row that no line tells of",
    "put_back": "line {seq} tells of the end of a role that stands open in the table grants: its old row was put back",
    "reopened": "line {seq} tells of a verdict, and what was decided waits again: its old row was put back",
    "replaced": "line {seq} tells what became of a second factor, and another one is there, such as an old one "
    "that was put back: `kp7 officer reset-factor`",
    "factorless": "line {seq} tells of a second factor that is gone: ask why, then `kp7 officer reset-factor`",
}


@app.command()
def show(
    person: Annotated[str, typer.Option(help="Only about this person: 13 digits, or the id in the log.")] = "",
    since: Annotated[
        datetime | None, typer.Option(parser=day, metavar="YYYY-MM-DD", help="From this day on (CE).")
    ] = None,
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
                line["at"] = moment(line["at"], zone)
                if as_json:
                    say_json(line)
                    continue
                detail = json.dumps(line["detail"], ensure_ascii=False, default=str) if line["detail"] else ""
                damaged = "DAMAGED" if line["damaged"] else ""
                columns = (*(line[name] for name in ("seq", "at", "actor", "action")), line["subject"] or "-", detail)
                say("  ".join(str(column) for column in (*columns, damaged)).rstrip())

    with_database(work)


async def _subject(tx: Any, vault: Any, person: str) -> str:
    from bot import thai
    from bot.events import Invalid
    from storage import ids, people

    if not person or ids.time_of(person):
        return person
    try:
        wanted = thai.national_id(person)
    except Invalid:
        complain("That is not an ID.")
        raise typer.Exit(2) from None
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

    from bot import policy
    from bot.anchors import files, lacking
    from storage import audit
    from storage.plain_files import Unfit

    async def work(settings: Settings, database: Any, vault: Any) -> audit.Verdict:
        verifier = audit.Verifier(vault)
        async with database.read() as tx:
            with Progress(console=err, disable=as_json or not err.is_terminal) as progress:
                bar = progress.add_task("audit", total=await _length(tx))
                async for done in verifier.run(tx):
                    progress.update(bar, completed=done)
            _, unusable = await policy.read_all(tx, vault)
            verifier.altered(row.id for row in unusable if row.why == "not_ours")
            for aside in await lacking(tx, vault, settings):
                verifier.aside(aside.seq)
            for path in {path.resolve() for path in (*files(settings), *([anchor] if anchor else []))}:
                for told in _chunks(path):
                    await verifier.anchored(tx, told)
        return verifier.verdict

    try:
        verdict = with_database(work)
    except ValueError as error:
        complain(f"No anchored lines: {error}.")
        raise typer.Exit(2) from None
    except Unfit as unfit:
        complain(unfit)
        raise typer.Exit(2) from None
    faults = [{"line": fault.seq, "fault": fault.code} for fault in verdict.faults]
    if as_json:
        say_json({"lines": verdict.lines, "anchors": verdict.anchors, "faults": faults, "all": verdict.count})
    else:
        for fault in verdict.faults:
            say(_FAULTS[fault.code].format(seq=fault.seq))
        if verdict.count > len(faults):
            out.print(f"… and {verdict.count - len(faults)} more")
        anchored = f", {verdict.anchors} anchored lines" if verdict.anchors else ", none anchored elsewhere"
        out.print(f"{verdict.lines} lines{anchored}: {'NOT WHOLE' if verdict.count else 'whole'}")
    raise typer.Exit(1 if verdict.count else 0)


async def _length(tx: Any) -> int | None:
    """None: the log does not say."""
    from storage import audit
    from storage.vault import Tampered

    try:
        head = await audit.head(tx)
    except Tampered:
        return None
    return head.seq if head else 0


def _chunks(path: Path) -> Iterator[list[Any]]:
    from storage import audit, plain_files

    torn: list[int] = []
    found = 0
    with plain_files.reading(path) as file:

        def heads() -> Iterator[audit.Head]:
            for number, line in enumerate(iter(lambda: file.readline(LINE), b""), 1):
                try:
                    yield audit.read_anchor(line.decode())
                except ValueError:
                    torn.extend([number] if line.strip() else [])

        told = heads()
        while chunk := list(islice(told, ANCHORS)):
            found += len(chunk)
            yield chunk
    if torn and not found:
        raise ValueError(f"{path} has none")
    if torn:  # a crash may cut one in half, and what can only be appended to cannot be mended
        complain(f"{path}: {len(torn)} lines are no anchored lines, and were passed over; the first is line {torn[0]}.")


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
    say(line)
    for reason in failed:
        complain(f"not told: {reason}")
    raise typer.Exit(1 if failed else 0)
