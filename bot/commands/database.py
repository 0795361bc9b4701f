"""`kp7 database`: the database as a whole."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.commands.common import By, Json, complain, err, operator, say, say_json, with_database
from bot.settings import Settings

app = typer.Typer(help="The database as a whole.", no_args_is_help=True)


@app.command("copy")
def database_copy(
    to: Annotated[str, typer.Option(help="Where to: postgresql://user@host/name, or sqlite:///file.db.")],
    as_json: Json = False,
) -> None:
    """Copy everything into another, empty database. Stop `kp7` first; then set DATABASE_URL, and start it again."""
    from rich.progress import Progress

    from bot.serve import only_one
    from storage.copy import Uncopyable, copy
    from storage.database import BadAddress, Database, Unavailable

    async def into(target: Database, settings: Settings, source: Any) -> Mapping[str, int]:
        try:
            async with only_one(settings.database_url):
                await target.migrate()
                with Progress(console=err, disable=as_json or not err.is_terminal) as progress:
                    bar = progress.add_task("rows", total=None)
                    return await copy(source, target, lambda done, of: progress.update(bar, completed=done, total=of))
        finally:
            await target.close()

    async def work(settings: Settings, source: Any, _vault: Any) -> Mapping[str, int]:
        try:
            target = await Database.open(to)
        except BadAddress as error:
            complain(f"--to: {error}")
            raise typer.Exit(3) from None
        except Unavailable as error:
            complain(error)
            raise typer.Exit(1) from None
        try:
            return await into(target, settings, source)
        except (Uncopyable, Unavailable) as error:
            complain(error)
            raise typer.Exit(1) from None

    copied = with_database(work)
    if as_json:
        say_json(copied)
        return
    for name, rows in copied.items():
        say(f"{rows:>10,}  {name}")
    if copied["files"]:
        complain("Files stay where they lie: FILES_URL must lead there from the new database, too.")


@app.command("new-ledger")
def new_ledger(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, for scripts.")] = False, by: By = ""
) -> None:
    """Begin another ERASED_FILE, where lines of it are lost for good. Backups from before are then restored only with
    `--without-ledger`, and bring back whoever was erased in a line that is lost."""
    from bot.app import ledger_of
    from bot.times import wall_clock
    from storage import audit, erasures
    from storage.database import retried

    now = wall_clock()

    @retried
    async def work(settings: Settings, database: Any, vault: Any) -> Path:
        ledger = ledger_of(settings, vault)
        aside = ledger.path.with_name(f"{ledger.path.name}.replaced-{now}")
        async with database.write() as tx:
            # first both rows, in the order in which an erasure takes them: once the file is another one, nobody else's
            # lock may make this transaction give in
            await audit.append(tx, vault, now, [audit.Line(operator(by), "ledger.begun")])
            if not ledger.fault(await erasures.hold_end(tx)):
                complain("Nothing is missing in it.")
                raise typer.Exit(1)
            await erasures.move_end(tx, ledger.renew(now, aside))
        return aside

    if not yes:
        err.print("Whoever was erased and stands only in the lost lines comes back with older backups, for good.")
        err.print("Look for a sound copy first: each backup has one, the file `erased`.")
        typer.confirm("There is none. Begin another ledger?", abort=True, err=True)
    try:
        aside = with_database(work)
    except erasures.Broken as broken:
        complain(f"None was begun: {broken}")
        raise typer.Exit(1) from None
    say(f"begun; what is left of the one before is in it, and lies at {aside}")
