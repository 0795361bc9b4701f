"""`kp7 database`: the database as a whole."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from bot.commands.common import Json, err, out, with_database
from bot.settings import Settings

app = typer.Typer(help="The database as a whole.", no_args_is_help=True)


@app.command("copy")
def database_copy(
    to: Annotated[str, typer.Option(help="Where to: postgresql://user@host/name, or sqlite:///file.db.")],
    as_json: Json = False,
) -> None:
    """Copy everything into another, empty database. Stop `kp7` first; then set DATABASE_URL, and start it again."""
    from rich.progress import Progress

    from bot.serve import only_one
    from storage.copy import Uncopyable, copy
    from storage.database import BadAddress, Database, Unavailable

    async def work(settings: Settings, source: Any, _vault: Any) -> Mapping[str, int]:
        target = await Database.open(to)
        try:
            async with only_one(settings.database_url):
                await target.migrate()
                with Progress(console=err, disable=as_json or not err.is_terminal) as progress:
                    bar = progress.add_task("rows", total=None)
                    return await copy(source, target, lambda done, of: progress.update(bar, completed=done, total=of))
        finally:
            await target.close()

    try:
        copied = with_database(work)
    except (BadAddress, Uncopyable, Unavailable) as error:
        err.print(str(error), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    if as_json:
        print(json.dumps(copied))
        return
    for name, rows in copied.items():
        out.print(f"{rows:>10,}  {name}", highlight=False)
