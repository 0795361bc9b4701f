"""What all commands share: settings or exit code 3, an open database, the terminal."""

import asyncio
import json
import os
import pwd
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from bot.settings import Settings

if TYPE_CHECKING:
    from bot.faults import Fault

CLOSED_PIPE = 141  # as a shell has it for whoever is told by a signal


class Terminal(Console):
    def on_broken_pipe(self) -> None:
        """Who read along has seen enough (`| head`)."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor does the last flush fail
        raise SystemExit(CLOSED_PIPE)


out = Terminal(emoji=False)
err = Console(stderr=True, emoji=False)
T = TypeVar("T")
Json = Annotated[bool, typer.Option("--json", help="For scripts.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")]
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
By = Annotated[str, typer.Option(help="Who does this, for the record; else who is logged in here.")]
NationalId = Annotated[
    str, typer.Argument(help="13 digits; asked for if left out, which keeps them out of the shell's history.")
]


def settings_and_faults(*, serving: bool = False) -> "tuple[Settings, list[Fault]]":
    """All that is wrong with them at once; what is wrong has its default."""
    from bot import demo, faults

    found: list[Fault] = []
    try:
        if not Settings(_env_file=None).demo and (why := _unreadable(Path(faults.ENV_FILE))):
            return Settings(_env_file=None), [(faults.ENV_FILE, why)]
        # the demo's sample people must never get into an office's database, so it does not read the office's .env
        if not Settings(_env_file=None).demo:
            _lend_aws(Path(faults.ENV_FILE))
        settings = Settings(_env_file=None) if Settings(_env_file=None).demo else Settings()
        if settings.demo and not Settings(_env_file=None).demo:
            found.append(("demo", "does not belong into .env: it is for `make run` only."))
    except ValidationError as error:
        wrong = {str(fault["loc"][0]): faults.said(fault) for fault in error.errors()}
        found += wrong.items()
        settings = Settings(**{name: Settings.model_fields[name].default for name in wrong})  # and what about the rest?
    if settings.demo and not found:
        return demo.settings(settings), []
    if not settings.demo:
        known = {name for name, _ in found}
        more = [*faults.incomplete(settings), *(faults.unsafe(settings) if serving else ())]
        found += [(name, sentence) for name, sentence in more if name not in known]
    return settings, found


def _lend_aws(env_file: Path) -> None:
    """What is to speak to S3 reads its usual variables from the environment alone; who fills in .env expects them
    there."""
    from dotenv import dotenv_values

    for name, value in dotenv_values(env_file, interpolate=False, encoding="utf-8-sig").items():
        if name.startswith("AWS_") and value:
            os.environ.setdefault(name, value)


def _unreadable(path: Path) -> str:
    """Why, in a sentence; empty if it can be read, or is not there."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"cannot be read ({error.strerror}). It must be a file of the user that KP7 runs as."
    try:
        data.decode("utf-8")
        wrong = data.find(b"\0")  # UTF-16 without its mark
    except UnicodeDecodeError as error:
        wrong = error.start
    line = data.count(b"\n", 0, wrong) + 1
    return f"is not UTF-8 (line {line}). Save it as UTF-8." if wrong >= 0 else ""


def settings_or_exit(*, serving: bool = False) -> Settings:
    """Or all that is wrong with them at once, and exit code 3."""
    from bot.faults import shown

    settings, found = settings_and_faults(serving=serving)
    for name, sentence in found:
        err.print(f"[red]{shown(name)}[/red] {escape(sentence)}", highlight=False, soft_wrap=True)
    if found:
        raise typer.Exit(3)
    return settings


def with_database(work: Callable[[Settings, Any, Any], Awaitable[T]]) -> T:
    """`work` is given the settings with today's rules, the database, and the vault that fits it."""
    from bot import policy
    from bot.times import wall_clock
    from storage.opening import opened

    async def run(settings: Settings, database: Any) -> T:
        vault = await opened(database, settings.master, settings.master_old)
        async with database.read() as tx:
            today = await policy.today(tx, vault, settings, wall_clock())
        return await work(today, database, vault)

    return with_bare_database(run)


def with_bare_database(work: Callable[[Settings, Any], Awaitable[T]]) -> T:
    """As it is: perhaps of an older version, perhaps under another key."""
    from storage.database import BadAddress, Database, Incomplete, Newer, Unavailable
    from storage.keys import WrongKey
    from storage.vault import Tampered

    settings = settings_or_exit()

    async def run() -> T:
        database = await Database.open(settings.database_url)
        try:
            return await work(settings, database)
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except (BadAddress, Unavailable, WrongKey, Incomplete, Newer, Tampered) as error:
        raise SystemExit(told(error)) from None


def told(error: Exception) -> int:
    """Says what keeps a command from its work. → the exit code: 3 where trying again cannot help (a setting is wrong,
    the database is of a newer version), 1 for anything else

    What nobody has thought of is named by kind and place only, as in the log: its words may hold what people wrote.
    """
    from bot.logs import place
    from storage.database import BadAddress, Incomplete, Newer, Unavailable
    from storage.keys import WrongKey
    from storage.vault import Tampered

    match error:
        case BadAddress() | Unavailable():  # at the start; later a server waits until the database is back
            err.print(f"[red]DATABASE_URL[/red]: {escape(str(error))}", highlight=False, soft_wrap=True)
        case WrongKey() | Newer():
            complain(error)  # it says it all itself
        case Incomplete():
            why = "Look at its disk and at who had access to it, and restore a backup"
            complain(f"The database is not whole: {error}. {why}.")
        case Tampered():
            complain(_tampered(error))
        case OSError(strerror=str(why)):
            complain(f"{error.filename}: {why}." if error.filename else f"{why}.")
        case _:
            complain(f"This failed: {type(error).__name__} at {place(error)}. Please report it.")
    return 3 if isinstance(error, BadAddress | WrongKey | Newer) else 1


def _tampered(what: Exception) -> str:
    if str(what) == "audit":
        why = "The end of the audit log was tampered with, and what cannot be written down is not done"
    else:
        why = f"A value in the table {what} does not open: it was edited or moved, or its key is gone"
    return f"{why}. Run `kp7 audit verify`, find out who had access to the database, and restore a backup."


def plain(text: object) -> str:
    """On one line, and nothing that somebody wrote steers the terminal."""
    words = str(text)
    return words if words.isprintable() else "".join(map(_escaped, words))


def say(words: object) -> None:
    """A line for whoever reads it. What people or files say goes through here, or through `say_json`."""
    out.print(plain(words), markup=False, highlight=False, soft_wrap=True)


def complain(words: object) -> None:
    """What was not done, and why."""
    err.print(plain(words), markup=False, highlight=False, soft_wrap=True)


def say_json(value: Any, indent: int | None = None) -> None:
    """For a script; it may be looked at on a terminal all the same, so that it, too, has nothing that steers one."""
    lines = json.dumps(value, ensure_ascii=False, indent=indent, default=str).split("\n")
    try:
        print("\n".join(map(plain, lines)), flush=True)
    except BrokenPipeError:
        out.on_broken_pipe()


def _escaped(char: str) -> str:
    """As JSON has it."""
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else json.dumps(char)[1:-1]


def moment(at: object, zone: ZoneInfo) -> str:
    """Milliseconds as people read them; what is no time in any calendar as it is."""
    try:
        return datetime.fromtimestamp(at / 1000, zone).isoformat(timespec="seconds")  # type: ignore[operator]
    except (TypeError, ValueError, OverflowError, OSError):
        return str(at)


def operator(by: str) -> str:
    """Who acts, as the audit log has it."""
    return f"cli:{''.join(char if char.isprintable() else '?' for char in by or _logged_in())[:64]}"


def _logged_in() -> str:
    if name := os.environ.get("USER"):
        return name
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a number without a name, as in a container
        return f"uid {os.getuid()}"


def typed_id(given: str) -> str:
    """The ID of the command line; else asked for, or the first line of what is piped in. Exit code 2 if it is none."""
    from bot import thai
    from bot.events import Invalid

    if not given:
        given = typer.prompt("ID", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    try:
        return thai.national_id(given.strip())
    except Invalid:
        complain("That is not an ID.")
        raise typer.Exit(2) from None


def day(typed: str | datetime) -> datetime:
    """For an option: the beginning of a day, in no time zone."""
    from bot import times

    if isinstance(typed, datetime):
        return typed
    try:
        return datetime.combine(times.day(typed), datetime.min.time())
    except ValueError as why:
        raise typer.BadParameter(str(why)) from None


def cli_language() -> Any:
    """The terminal's language, as every command line tool has it."""
    wanted = os.environ.get("LC_ALL") or os.environ.get("LANG", "")
    return "th" if wanted.startswith("th") else "en"


def sqlite_file(settings: Settings) -> Path | None:
    """None: the database is not a file."""
    from storage.sqlite import file_of

    return file_of(settings.database_url) if settings.database_url.startswith("sqlite:") else None
