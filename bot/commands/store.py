"""`kp7 files`: where files lie that people handed in."""

from typing import Annotated, Any

import typer

from bot.commands.common import Json, complain, err, say, say_json, with_database
from bot.settings import Settings

app = typer.Typer(help="Where files lie that people handed in.", no_args_is_help=True)
Place = "file:///absolute/folder or s3://bucket/prefix; left out: FILES_URL."


@app.command("copy")
def files_copy(
    to: Annotated[str, typer.Option(help=f"Where to: {Place}")] = "",
    source: Annotated[str, typer.Option("--from", help=f"Where from: {Place}")] = "",
    as_json: Json = False,
) -> None:
    """Copy every file on record from one place to another, as it lies: to move them (run it again until nothing is
    copied, with KP7 stopped the last time; then set FILES_URL), or to put them back from a backup of PostgreSQL.

    Exit code 1: files are lacking in both places, or one of them does not answer.
    """
    from rich.progress import Progress

    from storage.files import copy
    from storage.objects import Objects, Unstored
    from storage.stores import objects_at

    def at(option: str, url: str, settings: Settings) -> Objects:
        try:
            return objects_at(url or settings.files_address)
        except ValueError as error:
            complain(f"{option} {error}.")
            raise typer.Exit(2) from None

    async def work(settings: Settings, database: Any, _vault: Any) -> tuple[int, list[str]]:
        old, new = at("--from", source, settings), at("--to", to, settings)
        with Progress(console=err, disable=as_json or not err.is_terminal) as progress:
            bar = progress.add_task("files", total=None)
            try:
                return await copy(database, old, new, lambda done, of: progress.update(bar, completed=done, total=of))
            except Unstored as error:
                complain(f"{error}. What was copied so far stays; run this again.")
                raise typer.Exit(1) from None

    if to == source:
        complain("Say where to, or where from: they must not be the same.")
        raise typer.Exit(2)
    copied, lacking = with_database(work)
    if as_json:
        say_json({"copied": copied, "lacking": lacking})
    else:
        say(f"copied: {copied}")
    if lacking:
        complain(f"{len(lacking)} files on record are in neither place (the first: {lacking[0]}).")
        raise typer.Exit(1)
