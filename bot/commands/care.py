"""`kp7 backup`, `kp7 restore`, `kp7 purge`: care of the data."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.commands.common import Json, complain, err, say, say_json, settings_or_exit, sqlite_file, with_database
from bot.settings import Settings


def backup(
    destination: Annotated[Path, typer.Argument(help="A folder for backups; each becomes a folder in it.")],
    keep: Annotated[int | None, typer.Option(min=1, max=89, help="Delete backups older than so many days.")] = None,
    as_json: Json = False,
) -> None:
    """Copy the database and all files, while everybody goes on. Personal data are sealed; MASTER_KEY is not in it.

    Exit code 1: no backup was made. 4: it was made, but files are lacking, the ledger is not whole, or something older
    was not deleted.
    """
    import sqlite3

    from bot import backup as work
    from bot import erase
    from bot.app import ledger_of
    from bot.times import DAY, wall_clock
    from storage import erasures
    from storage.stores import objects_at

    async def ledger_now(settings: Settings, database: Any, vault: Any) -> tuple[Any, str, bytes, str]:
        ledger = ledger_of(settings, vault)
        fault = await erase.take_up(database, ledger)
        async with database.read() as tx:
            return ledger, await erasures.end(tx), work.secret_of(vault), fault

    settings, now = settings_or_exit(), wall_clock()
    if (path := sqlite_file(settings)) and not _there(path):  # opening it would make it
        complain(f"No backup was made: There is no database at {path}.")
        raise typer.Exit(1)
    ledger, end, secret, fault = with_database(ledger_now)
    try:
        with _progress("backing up", quiet=as_json) as progress:
            made = work.make(
                settings.database_url,
                objects_at(settings.files_address),
                destination,
                ledger,
                end,
                secret,
                now,
                progress,
            )
    except (work.Refused, OSError, sqlite3.Error) as error:
        complain(f"No backup was made: {error}")
        raise typer.Exit(1) from None
    # whoever was erased meanwhile, or took a paper back, lacks nothing
    lacking = with_database(partial(_still_held, ids=made.lacking.ids)) if made.lacking.ids else []
    pruned, failed = work.Pruned(), ""
    old: list[int] = []
    try:
        pruned = work.prune(destination, now, keep)
        old = [at for at in work.within(destination).values() if at < now - work.KEPT_DAYS_MOST * DAY]
    except (work.Refused, OSError) as error:
        failed = str(error)
    if as_json:
        left = [str(path) for path in pruned.left]
        gone = [str(folder) for folder in pruned.gone]
        say_json(
            {"backup": str(made.folder), "lacking": lacking, "pruned": gone, "not_deleted": left, "too_old": len(old)}
        )
    else:
        say(made.folder)
    if lacking:
        why = made.lacking.why or "they are not where files lie"
        complain(f"The backup was made, but {len(lacking)} files are not in it (the first: {lacking[0]}): {why}.")
    if fault:  # it is of use all the same
        complain(f"{fault} {erasures.MEND}")
    if old:
        err.print(
            f"{len(old)} of the backups here are older than {work.KEPT_DAYS_MOST} days, and people who were erased are "
            "still in them: use --keep.",
            soft_wrap=True,
        )
    for path, why in pruned.left.items():
        complain(f"The backup was made, but {path} could not be deleted: {why}. People who were erased may be in it.")
    if failed:
        complain(f"The backup was made, but older ones were not looked through: {failed}")
    if lacking or fault or pruned.left or failed:
        raise typer.Exit(4)


def _there(path: Path) -> bool:
    """Raises `BadAddress` where nobody lets us look."""
    from storage.sqlite import refused

    try:
        return path.exists()
    except OSError as error:
        raise refused(path, error) from None


async def _still_held(_settings: Settings, database: Any, _vault: Any, ids: list[str]) -> list[str]:
    async with database.read() as tx:
        rows = await tx.each(
            "SELECT id FROM files WHERE held = 1 AND id IN (SELECT value ->> 'id' FROM each(:batch)) ORDER BY id",
            [{"id": id} for id in ids],
        )
    return [row["id"] for row in rows]


def restore(
    source: Annotated[Path, typer.Argument(help="A backup, or the folder of backups: then the newest.", exists=True)],
    force: Annotated[bool, typer.Option("--force", help="Move the database that is there aside.")] = False,
    erased: Annotated[
        Path | None, typer.Option(help="A copy of ERASED_FILE, where this machine has none.", exists=True)
    ] = None,
    without_ledger: Annotated[
        bool, typer.Option("--without-ledger", help="Nobody was erased since, or you will erase them again.")
    ] = False,
    without_files: Annotated[
        bool, typer.Option("--without-files", help="Go on although files of the backup are damaged or gone.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Put a backup into the database's place, and its files to FILES_URL. Whoever was erased since stays erased.
    Stop `kp7 serve` first.

    Exit code 1: nothing has changed. 4: it was restored, but files are lost.
    """
    import asyncio
    import sqlite3

    from bot.app import ledger_of
    from bot.backup import Refused
    from bot.restore import Office, Restored
    from bot.restore import restore as work
    from bot.serve import only_one
    from bot.times import wall_clock
    from handlers import holds
    from storage.stores import objects_at

    settings = settings_or_exit()
    target = _file(settings)

    def wired(vault: Any) -> Any:
        return holds(), ledger_of(settings, vault)

    office = Office(settings.master, settings.master_old, objects_at(settings.files_address), wired)

    async def run() -> Restored:
        async with only_one(settings.database_url):
            with _progress("restoring", quiet=as_json) as progress:
                return await work(
                    source, target, office, wall_clock(), progress, force=force, erased=erased,
                    without_ledger=without_ledger, without_files=without_files,
                )  # fmt: skip

    try:
        done = asyncio.run(run())
    except (Refused, OSError, sqlite3.Error) as error:
        complain(f"Nothing was restored: {error}")
        raise typer.Exit(1) from None
    if as_json:
        aside = str(done.aside) if done.aside else None
        say_json(
            {
                "rows": done.manifest.rows,
                "erased": done.erased,
                "replaced": aside,
                "files": done.files,
                "lost": list(done.lost),
            }
        )
    else:
        _tell(done)
    if done.lost:
        complain(f"It was restored, but {len(done.lost)} files are lost (the first: {done.lost[0]}).")
        raise typer.Exit(4)


def _tell(done: Any) -> None:
    rows = ", ".join(f"{name} {count}" for name, count in done.manifest.rows.items() if count)
    say(f"restored: {rows}; of these erased again: {done.erased} keys; files put back: {done.files}")
    if done.aside:
        say(f"what was there: {done.aside} (delete it when it is no longer needed)")


def purge() -> None:
    """Delete what has been kept long enough. `kp7 serve` does that all the time; this does it now.

    Exit code 1: not all of it could be deleted; what, and why.
    """
    from bot.app import wire
    from bot.times import wall_clock

    async def work(settings: Settings, database: Any, vault: Any) -> Mapping[str, str]:
        return await wire(settings, database, vault).schedule.purge(wall_clock(), "sweep_files")

    undone = with_database(work)
    for chore, why in undone.items():
        complain(f"{chore} was not done: {why}")
    if undone:
        raise typer.Exit(1)


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
