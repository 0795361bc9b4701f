"""The `kp7` command: one file of `bot/commands` for each of its parts. What is heavy is imported when it is needed.

Exit codes: 0 done, 1 done in part or not found, 2 wrong use, 3 wrong setting (`kp7 doctor`: 1
only warnings, 3 something is wrong).
"""

import os
import sys
from typing import Any

import typer

from bot.commands import audit, care, database, doctor, identity, imports, keys, person, policy
from bot.commands.common import err, out, settings_or_exit, with_bare_database, without_database, wrong_key

app = typer.Typer(
    help="KP7: staff self-service for Thai HR, in chat.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(imports.app, name="import")
app.add_typer(identity.app, name="identity")
app.add_typer(database.app, name="database")
app.add_typer(audit.app, name="audit")
app.add_typer(keys.app, name="keys")
app.add_typer(policy.app, name="policy")
app.add_typer(person.app, name="person")
for command in (care.backup, care.restore, care.purge):
    app.command()(command)
app.command("doctor")(doctor.doctor)


def main() -> None:
    os.umask(0o077)  # the database, its log and the demo's key are for this user only
    app()


@app.command()
def serve() -> None:
    """Run web and worker in one process."""
    _run()


@app.command()
def web() -> None:
    """Run one of several web processes (PostgreSQL); what they cannot send at once is a worker's."""
    _run(worker=False)


@app.command()
def worker() -> None:
    """Run one of several workers (PostgreSQL): what is due, retries, sweeps."""
    _run(web=False)


def _run(*, web: bool = True, worker: bool = True) -> None:
    settings = settings_or_exit(serving=True)  # before all that is only needed when they are right
    if not (web and worker) and settings.database_url.startswith("sqlite:"):
        hint = (
            "is a SQLite file, which one process serves: run `kp7 serve`, or move to PostgreSQL (`kp7 database copy`)."
        )
        err.print(f"[red]DATABASE_URL[/red] {hint}", highlight=False, soft_wrap=True)
        raise typer.Exit(3)
    from bot.serve import run
    from storage.database import BadAddress, Unavailable
    from storage.keys import WrongKey

    try:
        sys.exit(run(settings, web=web, worker=worker))
    except (BadAddress, Unavailable) as error:  # at the start; later it waits until the database is back
        sys.exit(without_database(error))
    except WrongKey as error:
        sys.exit(wrong_key(error))


@app.command()
def migrate() -> None:
    """Bring the database up to date. Safe to run twice, and at once."""

    async def work(_: Any, database: Any) -> list[str]:
        return list(await database.migrate())

    for name in with_bare_database(work):
        out.print(name)
