"""`kp7 export`: what leaves the house."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.commands.common import By, Json, complain, err, operator, say, say_json, with_database

if TYPE_CHECKING:
    from handlers.review.export import Report

app = typer.Typer(help="What leaves the house: approved papers, in folders.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """More will be exported than papers."""


@app.command("documents")
def documents(
    campaign: Annotated[str, typer.Option(metavar="ID", help="As in `kp7 campaign list`.")],
    to: Annotated[Path, typer.Option(metavar="FILE.zip", help="What is written; for you only.")],
    unit: Annotated[str, typer.Option(metavar="CODE", help="Only people of this organisation.")] = "",
    below: Annotated[bool, typer.Option("--below", help="And of those that are subordinate to it.")] = False,
    waiting: Annotated[bool, typer.Option("--all", help="Also papers that wait for a verdict.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: Json = False,
    by: By = "",
) -> None:
    """Approved papers as a ZIP: a folder a person, a PDF a paper, a manifest. Whose papers leave is written down.

    Exit code 1: nothing was written. 4: it was, but papers that do not fit were left out; the manifest names them.
    """
    from bot.commands.saving import check
    from handlers.documents.campaigns import Refused
    from storage.objects import Unstored
    from storage.plain_files import Unfit

    if below and not unit:
        raise typer.BadParameter("say below which --unit", param_hint="--below")

    async def work(settings: Any, database: Any, vault: Any) -> "Report":
        from handlers.review.export import Wanted

        wanted = Wanted(campaign, await _units(database, vault, unit, below=below), waiting=waiting)
        return await _export(settings, database, vault, wanted, to, replace=force, quiet=as_json, by=operator(by))

    try:
        check(to, replace=force)
        report = with_database(work)
    except (Refused, Unfit) as refused:
        complain(refused)
        raise typer.Exit(2) from None
    except (Unstored, OSError) as error:
        complain(f"Nothing was exported: {getattr(error, 'strerror', None) or error}.")
        raise typer.Exit(1) from None
    _tell(report, to, as_json=as_json)


async def _units(database: Any, vault: Any, unit: str, *, below: bool) -> frozenset[str] | None:
    from handlers.documents.campaigns import Refused
    from handlers.organisation import authority

    if not unit:
        return None
    async with database.read() as tx:
        units = await authority.units(tx, vault, unit, below=below)
    if not units:
        raise Refused(f"There is no organisation {unit!r}.")
    return units


async def _export(
    settings: Any, database: Any, vault: Any, wanted: Any, to: Path, *, replace: bool, quiet: bool, by: str
) -> "Report":
    from rich.progress import Progress

    from bot.commands.saving import save
    from bot.text import Texts
    from bot.times import wall_clock
    from handlers.review import export
    from storage.files import Files
    from storage.stores import objects_at

    files = Files(database, objects_at(settings.files_address))
    texts = Texts(timezone=settings.timezone)
    house = export.House(database, vault, files, texts, settings.timezone, wall_clock)
    plan = await export.prepare(house, wanted)
    report = export.Report(of=len(plan.people))
    if not plan.people:
        return report
    with Progress(console=err, disable=quiet or not err.is_terminal) as progress:
        bar = progress.add_task("people", total=report.of)

        def told(report: "Report") -> None:
            progress.update(bar, completed=report.people)

        await save(to, export.stream(house, plan, by=by, report=report, told=told), replace=replace)
    return report


def _tell(report: "Report", to: Path, *, as_json: bool) -> None:
    faults = [{"id": fault.id, "why": fault.why} for fault in report.faults]
    if as_json:
        file = to if report.of else None
        counts = {"people": report.people, "papers": report.papers, "bytes": report.bytes}
        say_json({"file": file, **counts, "faults": faults})
    elif report.of:
        say(f"{to}: papers {report.papers}, people {report.people}, {report.bytes / 1e6:.1f} MB")
    if not report.of:
        complain("Nothing was exported: no paper is there yet that could be.")
        raise typer.Exit(1)
    if faults:
        first = f"{faults[0]['id']}, {_WHY[faults[0]['why']]}"
        complain(f"{len(faults)} were left out, which the manifest names; the first: {first}.")
        raise typer.Exit(4)


_WHY = {
    "verdict": "of which KP7 gave no such verdict",
    "content": "of which the file is not the one that was looked at",
    "unreadable": "which does not open and may have been edited",
    "missing": "of which the file is missing",
    "unknown": "which is no paper of the list",
}
