"""The `kp7` command. Exit codes: 0 done, 1 done in part or not found, 2 wrong use, 3 wrong setting."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from bot.settings import Settings

app = typer.Typer(
    help="KP7: staff self-service for Thai HR, in chat.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
import_app = typer.Typer(help="Bring HR's files into the record.", no_args_is_help=True)
identity_app = typer.Typer(help="Identity checks that HR makes in person.", no_args_is_help=True)
app.add_typer(import_app, name="import")
app.add_typer(identity_app, name="identity")

out = Console()
err = Console(stderr=True)
T = TypeVar("T")
Json = Annotated[bool, typer.Option("--json", help="For scripts.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")]
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]


def main() -> None:
    os.umask(0o077)  # the database, its log and the demo's key are for this user only
    app()


def _settings(*, serving: bool = False) -> Settings:
    """Or all that is wrong with them at once, and exit code 3."""
    from bot import demo, faults

    found: list[faults.Fault] = []
    try:
        # the demo's sample people must never get into an office's database, so it does not read the office's .env
        settings = Settings(_env_file=None) if Settings(_env_file=None).demo else Settings()
        if settings.demo and not Settings(_env_file=None).demo:
            err.print("[red]DEMO[/red] does not belong into .env: it is for `make run` only.", highlight=False)
            raise typer.Exit(3)
    except ValidationError as error:
        wrong = {str(fault["loc"][0]): f"{fault['msg']}." for fault in error.errors()}
        found += wrong.items()
        settings = Settings(**{name: Settings.model_fields[name].default for name in wrong})  # and what about the rest?
    if settings.demo and not found:
        return demo.settings(settings)
    if not settings.demo:
        known = {name for name, _ in found}
        more = [*faults.incomplete(settings), *(faults.unsafe(settings) if serving else ())]
        found += [(name, sentence) for name, sentence in more if name not in known]
    for name, sentence in found:
        err.print(f"[red]{name.upper()}[/red] {escape(sentence)}", highlight=False, soft_wrap=True)
    if found:
        raise typer.Exit(3)
    return settings


@app.command()
def serve() -> None:
    """Run web and worker in one process (SQLite)."""
    settings = _settings(serving=True)  # before all that is only needed when they are right
    from bot.serve import run

    sys.exit(run(settings))


@app.command()
def migrate() -> None:
    """Bring the database up to date. Safe to run twice, and at once."""

    async def work(_: Any, database: Any) -> list[str]:
        return list(await database.migrate())

    for name in _with_database(work, migrate=False):
        out.print(name)


def _with_database(work: Callable[[Settings, Any], Awaitable[T]], *, migrate: bool = True) -> T:
    from storage import keys
    from storage.database import Database
    from storage.vault import Vault

    settings = _settings()

    async def run() -> T:
        database = await Database.open(settings.database_url)
        try:
            if migrate:
                await database.migrate()
                async with database.read() as tx:
                    if not await keys.fits(tx, Vault(settings.master)):
                        raise SystemExit(keys.WRONG)
            return await work(settings, database)
        finally:
            await database.close()

    return asyncio.run(run())


# --- import ---------------------------------------------------------------------------------------------------------


@import_app.command("roster")
def import_roster(file: File, dry_run: Dry = False, as_json: Json = False) -> None:
    """People, from a CSV file with Thai headers."""
    from rich.progress import Progress

    from bot.app import date_rule, wall_clock
    from handlers.organisation.imports import import_roster as work
    from storage.vault import Vault

    with Progress(console=err, disable=as_json or not err.is_terminal) as progress:
        bar = progress.add_task(file.name, total=None)
        _import(
            lambda settings, database: work(
                database,
                Vault(settings.master),
                file,
                today=datetime.now(UTC).date(),
                rule=date_rule(settings),
                clock=wall_clock,
                dry=dry_run,
                progress=lambda n: progress.advance(bar, n),
            ),
            as_json=as_json,
            dry=dry_run,
        )


@import_app.command("organisations")
def import_organisations(file: File, dry_run: Dry = False, as_json: Json = False) -> None:
    """The tree of organisations, from a CSV file with Thai headers."""
    from handlers.organisation.imports import import_organisations as work

    _import(lambda _, database: work(database, file, dry=dry_run), as_json=as_json, dry=dry_run)


def _import(work: Callable[[Settings, Any], Awaitable[Any]], *, as_json: bool, dry: bool) -> None:
    from bot.text import Texts
    from handlers.organisation.tables import BadFile

    texts = Texts()
    language = cli_language()
    try:
        report = _with_database(work)
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


def cli_language() -> Any:
    """The terminal's language, as every command line tool has it."""
    wanted = os.environ.get("LC_ALL") or os.environ.get("LANG", "")
    return "th" if wanted.startswith("th") else "en"


# --- identity -------------------------------------------------------------------------------------------------------


@identity_app.command("list")
def identity_list(as_json: Json = False) -> None:
    """Who waits for HR to confirm who they are."""
    from handlers.identity import checks
    from storage.vault import Vault

    async def work(settings: Settings, database: Any) -> list[checks.Check]:
        async with database.read() as tx:
            return await checks.list_open(tx, Vault(settings.master))

    found = _with_database(work)
    if as_json:
        print(json.dumps([{**check.__dict__, "matches": dict(check.matches)} for check in found], ensure_ascii=False))
        return
    if not found:
        out.print("Nobody is waiting.")
    zone = ZoneInfo(_settings().timezone)
    for check in found:
        asked = datetime.fromtimestamp(check.asked_at / 1000, zone).strftime("%Y-%m-%d %H:%M")
        agrees = ", ".join(f"{name} {'agrees' if ok else 'DIFFERS'}" for name, ok in check.matches.items())
        why = {"card": "card not checked", "form": "form of the reporting day"}[check.why]
        for line in (
            f"{check.reference}  asked {asked}  ({why})",
            f"  typed   {check.name}, born {check.birth_date}",
            f"  roster  {check.roster_name or 'NOBODY HAS THIS ID'} {check.unit} {agrees}",
        ):
            out.print(line, markup=False, highlight=False, soft_wrap=True)


Reference = Annotated[str, typer.Argument(help="The six digits on the person's screen.")]
By = Annotated[str, typer.Option(help="Who decides, for the record.", envvar="USER")]


@identity_app.command("confirm")
def identity_confirm(
    reference: Reference,
    by: By = "hr",
    despite_mismatch: Annotated[
        bool, typer.Option(help="What was typed differs from the roster, and you know why.")
    ] = False,
) -> None:
    """The person stood before you, and their ID card bears the roster's name."""
    _decide(reference, confirmed=True, by=by, despite_mismatch=despite_mismatch)


@identity_app.command("refuse")
def identity_refuse(reference: Reference, by: By = "hr") -> None:
    """It is not them, or nobody came."""
    _decide(reference, confirmed=False, by=by)


@identity_app.command("unblock")
def identity_unblock(
    national_id: Annotated[str, typer.Argument(help="13 digits; asked for if left out.")] = "",
) -> None:
    """Lift what wrong codes have blocked for this person, who stands before you with their card."""
    from bot import thai
    from bot.events import Invalid
    from handlers.identity import checks
    from storage.vault import Vault

    try:
        wanted = thai.national_id(national_id or typer.prompt("ID", hide_input=True))
    except Invalid:
        err.print("That is not an ID.")
        raise typer.Exit(2) from None

    async def work(settings: Settings, database: Any) -> bool:
        async with database.write() as tx:
            return await checks.unblock(tx, Vault(settings.master), wanted)

    if not _with_database(work):
        err.print("Nobody on the roster has this ID.")
        raise typer.Exit(1)
    out.print("unblocked")


def _decide(reference: str, *, confirmed: bool, by: str, despite_mismatch: bool = False) -> None:
    from bot.app import wall_clock
    from bot.outbox import Outbox
    from handlers.identity import checks
    from storage.vault import Vault

    async def work(settings: Settings, database: Any) -> None:
        vault = Vault(settings.master)
        outbox = Outbox(database, vault, wall_clock)
        await checks.decide(
            database,
            vault,
            outbox,
            reference,
            confirmed=confirmed,
            despite_mismatch=despite_mismatch,
            by=by,
            clock=wall_clock,
        )

    try:
        _with_database(work)
    except checks.Undecidable as error:
        err.print(_UNDECIDABLE[error.code])
        raise typer.Exit(1) from None
    out.print("confirmed" if confirmed else "refused")


_UNDECIDABLE = {
    "unknown": "No check has this reference. `kp7 identity list` shows the open ones.",
    "mismatch": "What was typed differs from the roster (kp7 identity list). If you know why: --despite-mismatch.",
    "decided": "This check was decided already.",
    "not_on_roster": "Nobody on the roster has that ID. Import the person first (kp7 import roster), or refuse.",
}
