"""`kp7 import`: HR's files into the record."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.commands.common import By, Dry, File, Json, cli_language, err, operator, out, with_database

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
    by: By = "operator",
) -> None:
    """People, from a CSV or XLSX file with Thai headers or DPIS columns."""
    if retire_missing and not full:
        raise typer.BadParameter("only together with --full", param_hint="--retire-missing")

    async def work(settings: Any, database: Any, vault: Any) -> Any:
        from bot.app import date_rule
        from bot.times import wall_clock
        from handlers.organisation import imports

        with _bar(file, shown=not as_json) as progress:
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

    _tell(_report(work), as_json=as_json, dry=dry_run)


@app.command("organisations")
def import_organisations(file: File, dry_run: Dry = False, as_json: Json = False) -> None:
    """The tree of organisations, from a CSV or XLSX file with Thai headers."""

    async def work(_settings: Any, database: Any, _vault: Any) -> Any:
        from handlers.organisation.imports import import_organisations as work

        return await work(database, file, dry=dry_run)

    _tell(_report(work), as_json=as_json, dry=dry_run)


@contextmanager
def _bar(file: Path, *, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """On a terminal; it has no length until the whole file has been looked through once."""
    from rich.progress import Progress

    with Progress(console=err, disable=not (shown and err.is_terminal)) as progress:
        bar = progress.add_task(file.name, total=None)
        yield lambda done, rows: progress.update(bar, completed=done, total=rows)


def _report(work: Callable[[Any, Any, Any], Any]) -> Any:
    """What the import reports; a file that is refused as a whole is exit code 1."""
    from bot.text import Texts
    from handlers.organisation.refusals import BadFile

    try:
        return with_database(work)
    except BadFile as error:
        err.print(Texts()(cli_language(), f"error.{error.code}", error.params), style="red", soft_wrap=True)
        raise typer.Exit(1) from None


def _tell(report: Any, *, as_json: bool, dry: bool) -> None:
    from bot.text import Texts

    texts, language = Texts(), cli_language()
    bad = [
        {
            "row": bad.number,
            "column": bad.column,
            "value": bad.shown,
            "reason": texts(language, f"error.{bad.code}", bad.params),
        }
        for bad in report.bad
    ]
    counts = {name: getattr(report.written, name) for name in ("added", "changed", "left")}
    if as_json:
        changes = [{"row": change.number, "what": change.what, "columns": change.columns} for change in report.changes]
        missing = [{"id": one.person_id, "name": one.name, "unit": one.unit} for one in report.missing]
        found = {**counts, "bad": bad, "changes": changes, "missing": missing, "retired": report.retired}
        print(json.dumps(found, ensure_ascii=False))
    else:
        for row in bad:
            _line(f"{row['row']}: {row['column']}: {row['reason']} ({row['value']})")
        told = {"added": "cli.row.added", "changed": "cli.row.changed"}
        for change in report.changes:
            _line(texts(language, told[change.what], {"row": change.number, "columns": ", ".join(change.columns)}))
        for one in report.missing:
            _line(texts(language, "cli.missing", {"name": one.name, "unit": one.unit}))
        if report.missing:
            words = "cli.missing.would_retire" if dry and report.retired else "cli.missing.counts"
            _line(texts(language, words, {"missing": len(report.missing), "retired": report.retired}))
        numbers = {**counts, "bad": len({row["row"] for row in bad})}
        _line(texts(language, "cli.would_import" if dry else "cli.imported", numbers))
    raise typer.Exit(1 if bad else 0)


def _line(text: str) -> None:
    out.print(text, markup=False, highlight=False, soft_wrap=True)
