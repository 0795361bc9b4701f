"""The `kp7` command: one file of `bot/commands` for each of its parts. What is heavy is imported when it is needed.

Exit codes: 0 done, 1 not done, done in part or not found, 2 wrong use, 3 wrong setting (`kp7 doctor`: 1 only warnings,
3 something is wrong), 4 done, but something is lacking (`kp7 backup`, `kp7 restore`,
`kp7 export`); as a shell has them, 130 after
Ctrl-C and 141 after a closed pipe.
"""

import os
import sys
from typing import Any

import typer

from bot.commands import (
    audit,
    campaign,
    care,
    database,
    doctor,
    export,
    identity,
    imports,
    keys,
    officer,
    person,
    policy,
    store,
)
from bot.commands.common import complain, err, say, settings_or_exit, told, with_bare_database
from bot.logs import log_as_json

app = typer.Typer(
    help="KP7: staff self-service for Thai HR, in chat.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(imports.app, name="import")
app.add_typer(campaign.app, name="campaign")
app.add_typer(export.app, name="export")
app.add_typer(officer.app, name="officer")
app.add_typer(identity.app, name="identity")
app.add_typer(database.app, name="database")
app.add_typer(audit.app, name="audit")
app.add_typer(store.app, name="files")
app.add_typer(keys.app, name="keys")
app.add_typer(policy.app, name="policy")
app.add_typer(person.app, name="person")
for command in (care.backup, care.restore, care.purge):
    app.command()(command)
app.command("doctor")(doctor.doctor)


def main() -> None:
    os.umask(0o077)  # the database, its log and the demo's key are for this user only
    log_as_json()  # on standard error: what a command says on standard output may be for a script
    try:
        app()
    except Exception as error:
        sys.exit(told(error))


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
    from bot.serve import Shut, run

    try:
        sys.exit(run(settings, web=web, worker=worker))
    except Shut as error:
        complain(error)
        sys.exit(3)


@app.command()
def migrate() -> None:
    """Bring the database up to date. Safe to run twice, and at once."""

    async def work(_: Any, database: Any) -> list[str]:
        return list(await database.migrate())

    for name in with_bare_database(work):
        say(name)
