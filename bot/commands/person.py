"""`kp7 person`: what is kept about one person, for them to see (access) or to go (erasure): rights under the PDPA."""

import json
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from bot.commands.common import (
    By,
    Json,
    NationalId,
    cli_language,
    complain,
    err,
    moment,
    operator,
    out,
    say,
    say_json,
    settings_or_exit,
    sqlite_file,
    typed_id,
    with_database,
)
from bot.settings import Settings

app = typer.Typer(help="What is kept about one person: show it, erase it.", no_args_is_help=True)


@app.command("show")
def person_show(
    national_id: NationalId = "",
    files: Annotated[Path | None, typer.Option(help="A new folder, for what they handed in, opened.")] = None,
    as_json: Json = False,
    by: By = "",
) -> None:
    """Everything that is kept about one person, in plain text, for a request to see it.

    Exit code 1: nothing is kept, or not every file could be opened.
    """
    from bot import erase
    from bot.times import wall_clock
    from handlers import holds
    from storage.people import national_id_index

    wanted = typed_id(national_id)

    lost: list[str] = []

    async def work(settings: Settings, database: Any, vault: Any) -> dict[str, list[dict[str, Any]]]:
        index = national_id_index(vault, wanted)
        found = await erase.about(database, vault, holds(), index, wall_clock(), by=operator(by))
        if files:
            lost.extend(await _open(found, files, index, settings, database, vault))
        return found

    if files:
        try:
            files.mkdir(mode=0o700)
        except OSError as error:
            complain(f"{files} cannot be made: {error.strerror}.")
            raise typer.Exit(2) from None

    found = {table: rows for table, rows in with_database(work).items() if rows}
    if as_json:
        say_json(found, indent=2)
    else:
        _print(found, ZoneInfo(settings_or_exit().timezone))
    if not found:
        err.print("Nothing is kept about this ID.")
        raise typer.Exit(1)
    for line in lost:
        complain(line)
    if lost:
        raise typer.Exit(1)


async def _open(
    found: dict[str, list[dict[str, Any]]], folder: Path, index: str, settings: Settings, database: Any, vault: Any
) -> list[str]:
    """→ what could not be opened, and why"""
    from bot.papers.shapes import kind_of
    from bot.text import Texts
    from handlers.documents import naming
    from storage import people
    from storage.files import Files
    from storage.objects import Unstored
    from storage.stores import objects_at
    from storage.vault import Tampered

    async with database.read() as tx:
        person = await people.by_index(tx, vault, index)
    lost: list[str] = []
    if person is None:
        return lost
    names = naming.names(found.get("papers", []), found.get("pages", []), Texts(), cli_language())
    for row in found.get("files", []):
        try:
            data = await Files(database, objects_at(settings.files_address)).get(row["id"], person.key)
        except (Unstored, Tampered) as error:
            why = "it was changed, or is somebody else's" if isinstance(error, Tampered) else error
            lost.append(f"The file {row['id']} could not be opened: {why}.")
        else:
            (folder / f"{names.get(row['id'], row['id'])}.{kind_of(data) or 'bin'}").write_bytes(data)
    return lost


@app.command("erase")
def person_erase(
    national_id: NationalId = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again, for scripts.")] = False,
    by: By = "",
) -> None:
    """Delete everything that is kept about one person, and the keys of what lies in backups. For good."""
    from bot import erase
    from bot.app import ledger_of, wire
    from bot.thai import ascii_digits
    from bot.times import wall_clock
    from storage import snapshot
    from storage.database import Unavailable
    from storage.erasures import Broken
    from storage.people import national_id_index

    wanted = typed_id(national_id)
    if not yes:
        who = with_database(lambda _, database, vault: _who(vault, database, wanted))
        say(who)
        question = "All of it goes, for good. To go on, type the last four digits of the ID"
        if ascii_digits(typer.prompt(question, err=True)).strip() != wanted[-4:]:
            err.print("Nothing was erased.")
            raise typer.Exit(1)

    async def work(settings: Settings, database: Any, vault: Any) -> erase.Done | None:
        kp7 = wire(settings, database, vault)
        try:
            return await erase.erase(
                database, vault, kp7.registry.holds, ledger_of(settings, vault), kp7.outbox, kp7.notices,
                national_id_index(vault, wanted), wall_clock(), by=operator(by),
            )  # fmt: skip
        except Unavailable as error:
            complain(f"The database does not answer ({error}). Run this again; nobody knows yet whether it was done.")
            raise typer.Exit(1) from None
        except Broken as error:
            complain(f"Nothing was erased: {error}")
            raise typer.Exit(1) from None

    done = with_database(work)
    if done is None:
        err.print("Nothing is kept about this ID.")
        raise typer.Exit(1)
    out.print(f"erased; chats that were linked: {done.chats}, of which are told: {done.told}", highlight=False)
    path = sqlite_file(settings_or_exit())
    if path and not snapshot.empty_log(path):
        err.print(
            "Deleted rows still stand in the database's log (-wal); later commits, or a restart, write over them."
        )


async def _who(vault: Any, database: Any, national_id: str) -> str:
    """An ID that was typed with care may still be somebody else's."""
    from storage import people
    from storage.vault import Tampered

    try:
        async with database.read() as tx:
            person = await people.by_index(tx, vault, people.national_id_index(vault, national_id))
    except Tampered:
        return "The record of this person is damaged and cannot be read."
    return f"{person.full_name}, {person.unit}" if person else "Nobody on the roster has this ID."


def _print(found: dict[str, list[dict[str, Any]]], zone: ZoneInfo) -> None:
    for table, rows in found.items():
        for number, row in enumerate(rows, 1):
            out.print(f"{table} {number} of {len(rows)}", style="bold", highlight=False)
            for name, value in row.items():
                if value is not None:
                    say(f"  {name}: {_shown(name, value, zone)}")


def _shown(name: str, value: Any, zone: ZoneInfo) -> str:
    if isinstance(value, int) and (name == "at" or name.endswith("_at")) and value:
        return moment(value, zone).replace("T", " ")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
