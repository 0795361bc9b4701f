"""`kp7 import`: HR's files into the record."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from bot.commands.common import By, Dry, File, Json, cli_language, operator, say, say_json
from bot.commands.files import bad_rows, bar, read_or_exit, tell_bad_rows

app = typer.Typer(help="Bring HR's files into the record.", no_args_is_help=True)
IsFull = Annotated[bool, typer.Option("--full", help="The file has everybody: show who is on record and not in it.")]
Retire = Annotated[
    bool, typer.Option("--retire-missing", help="With --full: who is missing has left, and can no longer log in.")
]
AtMost = Annotated[
    int, typer.Option("--retire-at-most", min=0, max=100, metavar="PERCENT", help="Refuse if more would be retired.")
]


@app.command("roster")
def import_roster(
    file: File,
    dry_run: Dry = False,
    full: IsFull = False,
    retire_missing: Retire = False,
    retire_at_most: AtMost = 20,
    as_json: Json = False,
    by: By = "",
) -> None:
    """People, from a CSV or XLSX file with Thai headers or DPIS columns."""
    if retire_missing and not full:
        raise typer.BadParameter("only together with --full", param_hint="--retire-missing")

    async def work(settings: Any, database: Any, vault: Any) -> Any:
        from bot.app import date_rule
        from bot.times import wall_clock
        from handlers.organisation import imports

        with bar(file, shown=not as_json) as progress:
            return await imports.import_roster(
                database,
                vault,
                file,
                by=operator(by),
                today=datetime.now(UTC).date(),
                rule=date_rule(settings),
                clock=wall_clock,
                dry=dry_run,
                full=imports.Full(retire_missing, retire_at_most) if full else None,
                progress=progress,
            )

    _tell(read_or_exit(work), as_json=as_json, dry=dry_run)


@app.command("organisations")
def import_organisations(file: File, dry_run: Dry = False, as_json: Json = False) -> None:
    """The tree of organisations, from a CSV or XLSX file with Thai headers."""

    async def work(_settings: Any, database: Any, vault: Any) -> Any:
        from handlers.organisation.imports import import_organisations as work

        return await work(database, vault, file, dry=dry_run)

    _tell(read_or_exit(work), as_json=as_json, dry=dry_run)


def _tell(report: Any, *, as_json: bool, dry: bool) -> None:
    from bot.text import Texts

    texts, language = Texts(), cli_language()
    bad = bad_rows(report.bad)
    counts = {name: getattr(report.written, name) for name in ("added", "changed", "left")}
    if as_json:
        changes = [{"row": change.number, "what": change.what, "columns": change.columns} for change in report.changes]
        missing = [{"id": one.person_id, "name": one.name, "unit": one.unit} for one in report.missing]
        found = {**counts, "bad": bad, "changes": changes, "missing": missing, "retired": report.retired}
        say_json(found)
    else:
        tell_bad_rows(bad)
        told = {"added": "cli.row.added", "changed": "cli.row.changed"}
        for change in report.changes:
            say(texts(language, told[change.what], {"row": change.number, "columns": ", ".join(change.columns)}))
        for one in report.missing:
            say(texts(language, "cli.missing", {"name": one.name, "unit": one.unit}))
        if report.missing:
            words = "cli.missing.would_retire" if dry and report.retired else "cli.missing.counts"
            say(texts(language, words, {"missing": len(report.missing), "retired": report.retired}))
        numbers = {**counts, "bad": len({row["row"] for row in bad})}
        say(texts(language, "cli.would_import" if dry else "cli.imported", numbers))
    raise typer.Exit(1 if bad else 0)
