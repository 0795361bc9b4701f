"""`kp7 keys`: another master key, while chats go on."""

from typing import Any

import typer

from bot.commands.common import By, Json, complain, err, operator, out, say_json, with_database
from bot.settings import Settings

app = typer.Typer(help="The key that all sealing hangs on.", no_args_is_help=True)


@app.callback()
def keys() -> None:
    """The key that all sealing hangs on."""


@app.command()
def rotate(by: By = "", as_json: Json = False) -> None:
    """Wrap all keys with MASTER_KEY that are still under MASTER_KEY_OLD. May be killed, and run again."""
    from rich.progress import Progress

    from bot.times import wall_clock
    from storage import keys

    async def work(settings: Settings, database: Any, vault: Any) -> tuple[int, int]:
        if not settings.master_key_old:
            err.print("MASTER_KEY_OLD is not set: there is nothing to rotate from.")
            raise typer.Exit(2)
        async with database.read() as tx:
            row = await tx.one("SELECT COUNT(*) AS n FROM keys")
        done = damaged = 0
        with Progress(console=err, disable=as_json or not err.is_terminal) as progress:
            bar = progress.add_task("keys", total=row["n"])
            try:
                async for chunk in keys.rotate(database, vault, operator(by), wall_clock()):
                    progress.update(bar, advance=chunk.seen)
                    done, damaged = done + chunk.done, damaged + chunk.damaged
            except keys.WrongKey as wrong:
                complain(wrong)
                raise typer.Exit(1) from None
        return done, damaged

    done, damaged = with_database(work)
    if as_json:
        say_json({"rotated": done, "damaged": damaged})
    else:
        out.print(f"{done} keys rotated. MASTER_KEY_OLD can be removed now; then start KP7 anew.", highlight=False)
        if damaged:
            out.print(f"{damaged} keys are damaged: no key opens them.", highlight=False)
    raise typer.Exit(1 if damaged else 0)
