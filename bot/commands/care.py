"""`kp7 backup`, `kp7 restore`, `kp7 purge`: care of the data."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.commands.common import Json, err, out, settings_or_exit, sqlite_file, with_database
from bot.settings import Settings


def backup(
    destination: Annotated[Path, typer.Argument(help="A folder for backups; each becomes a folder in it.")],
    keep: Annotated[int | None, typer.Option(min=1, max=89, help="Delete backups older than so many days.")] = None,
    as_json: Json = False,
) -> None:
    """Copy the database, while everybody goes on. Personal data in it are sealed; MASTER_KEY is not in it."""
    import sqlite3

    from bot import backup as work
    from bot.app import ledger_of
    from bot.times import DAY, wall_clock

    async def ledger_now(settings: Settings, _database: Any, vault: Any) -> Any:
        return ledger_of(settings, vault)

    settings, now = settings_or_exit(), wall_clock()
    path = sqlite_file(settings)
    if path and not path.exists():  # opening it would make it
        err.print(f"No backup was made: There is no database at {path}.", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1)
    ledger = with_database(ledger_now)
    try:
        with _progress("backing up", quiet=as_json) as progress:
            made = work.make(settings.database_url, destination, ledger, now, progress)
        pruned = work.prune(destination, now, keep) if keep else []
        old = [at for at in work.within(destination).values() if at < now - work.KEPT_DAYS_MOST * DAY]
    except (work.Refused, OSError, sqlite3.Error) as error:
        err.print(f"No backup was made: {error}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    if as_json:
        print(json.dumps({"backup": str(made), "pruned": [str(folder) for folder in pruned], "too_old": len(old)}))
    else:
        out.print(str(made), soft_wrap=True, highlight=False)
    if old:
        err.print(
            f"{len(old)} of the backups here are older than {work.KEPT_DAYS_MOST} days, and people who were erased are "
            "still in them: use --keep.",
            soft_wrap=True,
        )


def restore(
    source: Annotated[Path, typer.Argument(help="A backup, or the folder of backups: then the newest.", exists=True)],
    force: Annotated[bool, typer.Option("--force", help="Move the database that is there aside.")] = False,
    erased: Annotated[
        Path | None, typer.Option(help="A copy of ERASED_FILE, where this machine has none.", exists=True)
    ] = None,
    without_ledger: Annotated[
        bool, typer.Option("--without-ledger", help="Nobody was erased since, or you will erase them again.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Put a backup into the database's place. Whoever was erased since stays erased. Stop `kp7 serve` first."""
    import asyncio
    import sqlite3

    from bot.app import ledger_of
    from bot.backup import Refused
    from bot.policy import Policy
    from bot.restore import Restored, Unlocked
    from bot.restore import restore as work
    from bot.serve import only_one
    from bot.times import wall_clock
    from bot.topic import Registry
    from handlers import topics
    from storage.opening import opened

    settings = settings_or_exit()
    target = _file(settings)

    async def unlock(database: Any) -> Unlocked:
        vault = await opened(database, settings.master, settings.master_old)
        return vault, Registry(topics(vault, Policy(settings, wall_clock))).holds, ledger_of(settings, vault)

    async def run() -> Restored:
        async with only_one(settings.database_url):
            with _progress("restoring", quiet=as_json) as progress:
                return await work(
                    source, target, unlock, wall_clock(), progress,
                    force=force, erased=erased, without_ledger=without_ledger,
                )  # fmt: skip

    try:
        done = asyncio.run(run())
    except (Refused, OSError, sqlite3.Error) as error:
        err.print(f"Nothing was restored: {error}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    if as_json:
        aside = str(done.aside) if done.aside else None
        print(json.dumps({"rows": done.manifest.rows, "erased": done.erased, "replaced": aside}))
        return
    rows = ", ".join(f"{name} {count}" for name, count in done.manifest.rows.items() if count)
    out.print(f"restored: {rows}; of these erased again: {done.erased} keys", soft_wrap=True, highlight=False)
    if done.aside:
        out.print(f"what was there: {done.aside} (delete it when it is no longer needed)", soft_wrap=True)


def purge() -> None:
    """Delete what has been kept long enough. `kp7 serve` does that all the time; this does it now."""
    from bot.app import wire
    from bot.times import wall_clock

    async def work(settings: Settings, database: Any, vault: Any) -> None:
        await wire(settings, database, vault).schedule.purge(wall_clock())

    with_database(work)


def _file(settings: Settings) -> Path:
    path = sqlite_file(settings)
    if path is None:
        err.print("This is for SQLite. For PostgreSQL: pg_restore, as in docs/operators.md.")
        raise typer.Exit(3)
    return path


@contextmanager
def _progress(what: str, *, quiet: bool) -> Iterator[Any]:
    from rich.progress import Progress

    with Progress(console=err, disable=quiet or not err.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, whole: bar.update(task, completed=done, total=max(done, whole))
