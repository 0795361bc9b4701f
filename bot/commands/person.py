"""`kp7 person`: what is kept about one person, for them to see (access) or to go (erasure): rights under the PDPA."""

import json
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from bot.commands.common import By, Json, err, operator, out, plain, settings_or_exit, sqlite_file, with_database
from bot.settings import Settings

app = typer.Typer(help="What is kept about one person: show it, erase it.", no_args_is_help=True)
NationalId = Annotated[
    str, typer.Argument(help="13 digits; asked for if left out, which keeps them out of the shell's history.")
]


@app.command("show")
def person_show(national_id: NationalId = "", as_json: Json = False, by: By = "hr") -> None:
    """Everything that is kept about one person, in plain text, for a request to see it."""
    from bot import erase
    from bot.policy import Policy
    from bot.times import wall_clock
    from bot.topic import Registry
    from handlers import topics
    from storage.people import national_id_index

    wanted = _asked(national_id)

    async def work(settings: Settings, database: Any, vault: Any) -> dict[str, list[dict[str, Any]]]:
        holds = Registry(topics(vault, Policy(settings, wall_clock))).holds
        return await erase.about(
            database, vault, holds, national_id_index(vault, wanted), wall_clock(), by=operator(by)
        )

    found = {table: rows for table, rows in with_database(work).items() if rows}
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        _print(found, ZoneInfo(settings_or_exit().timezone))
    if not found:
        err.print("Nothing is kept about this ID.")
        raise typer.Exit(1)


@app.command("erase")
def person_erase(
    national_id: NationalId = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again, for scripts.")] = False,
    by: By = "hr",
) -> None:
    """Delete everything that is kept about one person, and the keys of what lies in backups. For good."""
    from bot import erase
    from bot.app import ledger_of, wire
    from bot.times import wall_clock
    from storage import snapshot
    from storage.database import Unavailable
    from storage.people import national_id_index

    wanted = _asked(national_id)
    if not yes:
        who = with_database(lambda _, database, vault: _who(vault, database, wanted))
        out.print(who, markup=False, highlight=False)
        question = "All of it goes, for good. To go on, type the last four digits of the ID"
        if typer.prompt(question, err=True) != wanted[-4:]:
            err.print("Nothing was erased.")
            raise typer.Exit(1)

    async def work(settings: Settings, database: Any, vault: Any) -> erase.Done | None:
        kp7 = wire(settings, database, vault)
        return await erase.erase(
            database, vault, kp7.registry.holds, ledger_of(settings, vault), kp7.outbox, kp7.notices,
            national_id_index(vault, wanted), wall_clock(), by=operator(by),
        )  # fmt: skip

    try:
        done = with_database(work)
    except Unavailable as error:
        err.print(f"The database does not answer ({error}). Run this again; nobody knows yet whether it was done.")
        raise typer.Exit(1) from None
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


def _asked(national_id: str) -> str:
    from bot import thai
    from bot.events import Invalid

    try:
        return thai.national_id(national_id or typer.prompt("ID", hide_input=True, err=True))
    except Invalid:
        err.print("That is not an ID.")
        raise typer.Exit(2) from None


def _print(found: dict[str, list[dict[str, Any]]], zone: ZoneInfo) -> None:
    for table, rows in found.items():
        for number, row in enumerate(rows, 1):
            out.print(f"{table} {number} of {len(rows)}", style="bold", highlight=False)
            for name, value in row.items():
                if value is not None:
                    out.print(f"  {name}: {_plain(name, value, zone)}", markup=False, highlight=False, soft_wrap=True)


def _plain(name: str, value: Any, zone: ZoneInfo) -> str:
    """On one line, and nothing that somebody typed steers the terminal."""
    if isinstance(value, int) and (name == "at" or name.endswith("_at")) and value:
        return datetime.fromtimestamp(value / 1000, zone).isoformat(" ", "seconds")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return plain(text)
