"""What all commands share: settings or exit code 3, an open database, the terminal."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from bot.settings import Settings

if TYPE_CHECKING:
    from bot.faults import Fault

out = Console()
err = Console(stderr=True)
T = TypeVar("T")
Json = Annotated[bool, typer.Option("--json", help="For scripts.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")]
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
By = Annotated[str, typer.Option(help="Who does this, for the record.", envvar="USER")]


def settings_and_faults(*, serving: bool = False) -> "tuple[Settings, list[Fault]]":
    """All that is wrong with them at once; what is wrong has its default."""
    from bot import demo, faults

    found: list[Fault] = []
    try:
        # the demo's sample people must never get into an office's database, so it does not read the office's .env
        settings = Settings(_env_file=None) if Settings(_env_file=None).demo else Settings()
        if settings.demo and not Settings(_env_file=None).demo:
            found.append(("demo", "does not belong into .env: it is for `make run` only."))
    except ValidationError as error:
        wrong = {str(fault["loc"][0]): f"{fault['msg']}." for fault in error.errors()}
        found += wrong.items()
        settings = Settings(**{name: Settings.model_fields[name].default for name in wrong})  # and what about the rest?
    if settings.demo and not found:
        return demo.settings(settings), []
    if not settings.demo:
        known = {name for name, _ in found}
        more = [*faults.incomplete(settings), *(faults.unsafe(settings) if serving else ())]
        found += [(name, sentence) for name, sentence in more if name not in known]
    return settings, found


def settings_or_exit(*, serving: bool = False) -> Settings:
    """Or all that is wrong with them at once, and exit code 3."""
    settings, found = settings_and_faults(serving=serving)
    for name, sentence in found:
        err.print(f"[red]{name.upper()}[/red] {escape(sentence)}", highlight=False, soft_wrap=True)
    if found:
        raise typer.Exit(3)
    return settings


def with_database(work: Callable[[Settings, Any, Any], Awaitable[T]]) -> T:
    """`work` is given the settings with today's rules, the database, and the vault that fits it."""
    from bot.policy import Policy
    from bot.times import wall_clock
    from storage import keys
    from storage.opening import opened

    async def run(settings: Settings, database: Any) -> T:
        try:
            vault = await opened(database, settings.master, settings.master_old)
        except keys.WrongKey as wrong:
            raise SystemExit(wrong_key(wrong)) from None
        policy = Policy(settings, wall_clock)
        await policy.refresh(database)
        return await work(policy.settings, database, vault)

    return with_bare_database(run)


def with_bare_database(work: Callable[[Settings, Any], Awaitable[T]]) -> T:
    """As it is: perhaps of an older version, perhaps under another key."""
    from storage.database import BadAddress, Database, Unavailable

    settings = settings_or_exit()

    async def run() -> T:
        try:
            database = await Database.open(settings.database_url)
        except (BadAddress, Unavailable) as error:
            raise SystemExit(without_database(error)) from None
        try:
            return await work(settings, database)
        finally:
            await database.close()

    return asyncio.run(run())


def without_database(error: Exception) -> int:
    """Says so. → the exit code: 3 for an address that is none, 1 where nobody answers now."""
    err.print(f"[red]DATABASE_URL[/red]: {escape(str(error))}", highlight=False, soft_wrap=True)
    return 3 if isinstance(error, ValueError) else 1


def wrong_key(error: Exception) -> int:
    """Says so. → the exit code"""
    err.print(f"[red]MASTER_KEY[/red]: {escape(str(error))}", highlight=False, soft_wrap=True)
    return 3


def plain(text: object) -> str:
    """On one line, and nothing that somebody wrote steers the terminal."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in str(text))


def operator(by: str) -> str:
    """Who acts, as the audit log has it."""
    return f"cli:{''.join(char if char.isprintable() else '?' for char in by)[:64]}"


def cli_language() -> Any:
    """The terminal's language, as every command line tool has it."""
    wanted = os.environ.get("LC_ALL") or os.environ.get("LANG", "")
    return "th" if wanted.startswith("th") else "en"


def sqlite_file(settings: Settings) -> Path | None:
    """None: the database is not a file."""
    from storage.sqlite import file_of

    return file_of(settings.database_url) if settings.database_url.startswith("sqlite:") else None
