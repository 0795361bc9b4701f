"""What commands that read HR's files share: a bar while they do, bad rows, and files that are refused as a whole."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bot.commands.common import cli_language, complain, err, plain, say, with_database

if TYPE_CHECKING:
    from handlers.organisation.refusals import BadRow


@contextmanager
def bar(file: Path, *, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """On a terminal; it has no length until the whole file has been looked through once."""
    from rich.progress import Progress, TextColumn

    _, *columns = Progress.get_default_columns()  # the first one takes markup
    words = TextColumn("{task.description}", markup=False)
    with Progress(words, *columns, console=err, disable=not (shown and err.is_terminal)) as progress:
        bar = progress.add_task(plain(file.name), total=None)
        yield lambda done, rows: progress.update(bar, completed=done, total=rows)


def read_or_exit(work: Callable[[Any, Any, Any], Any]) -> Any:
    """What `work` reports; a file that is refused as a whole is exit code 1."""
    from bot.text import Texts
    from handlers.organisation.refusals import BadFile

    try:
        return with_database(work)
    except BadFile as error:
        complain(Texts()(cli_language(), f"error.{error.code}", error.params))
        raise typer.Exit(1) from None


def bad_rows(found: "Sequence[BadRow]") -> list[dict[str, Any]]:
    """In words: row, column, value, reason."""
    from bot.text import Texts

    texts, language = Texts(), cli_language()
    return [
        {
            "row": bad.number,
            "column": bad.column,
            "value": bad.shown,
            "reason": texts(language, f"cell.{bad.code}", bad.params),
        }
        for bad in found
    ]


def tell_bad_rows(bad: Sequence[dict[str, Any]]) -> None:
    for row in bad:
        where = f"{row['row']}: {row['column']}" if row["column"] else row["row"]
        say(f"{where}: {row['reason']}" + (f" ({row['value']})" if row["value"] else ""))
