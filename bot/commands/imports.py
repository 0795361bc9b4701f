"""`kp7 import`: HR's files into the record."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import typer

from bot.commands.common import By, Dry, File, Json, cli_language, err, operator, out, with_database
from bot.settings import Settings

app = typer.Typer(help="Bring HR's files into the record.", no_args_is_help=True)


@app.command("roster")
def import_roster(file: File, dry_run: Dry = False, as_json: Json = False, by: By = "operator") -> None:
    """People, from a CSV file with Thai headers."""
    from rich.progress import Progress

    from bot.app import date_rule
    from bot.times import wall_clock
    from handlers.organisation.imports import import_roster as work

    with Progress(console=err, disable=as_json or not err.is_terminal) as progress:
        bar = progress.add_task(file.name, total=None)
        _import(
            lambda settings, database, vault: work(
                database,
                vault,
                file,
                by=operator(by),
                today=datetime.now(UTC).date(),
                rule=date_rule(settings),
                clock=wall_clock,
                dry=dry_run,
                progress=lambda n: progress.advance(bar, n),
            ),
            as_json=as_json,
            dry=dry_run,
        )


@app.command("organisations")
def import_organisations(file: File, dry_run: Dry = False, as_json: Json = False) -> None:
    """The tree of organisations, from a CSV file with Thai headers."""
    from handlers.organisation.imports import import_organisations as work

    _import(lambda _settings, database, _vault: work(database, file, dry=dry_run), as_json=as_json, dry=dry_run)


def _import(work: Callable[[Settings, Any, Any], Awaitable[Any]], *, as_json: bool, dry: bool) -> None:
    from bot.text import Texts
    from handlers.organisation.tables import BadFile

    texts = Texts()
    language = cli_language()
    try:
        report = with_database(work)
    except BadFile as error:
        err.print(texts(language, f"error.{error.code}", error.params), style="red")
        raise typer.Exit(1) from None
    rows = [
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
        print(json.dumps({**counts, "bad": rows}, ensure_ascii=False))
    else:
        for row in rows:
            out.print(f"{row['row']}: {row['column']}: {row['reason']} ({row['value']})", markup=False)
        out.print(
            texts(
                language,
                "cli.would_import" if dry else "cli.imported",
                {**counts, "bad": len({row["row"] for row in rows})},
            )
        )
    raise typer.Exit(1 if rows else 0)
