"""`kp7 identity`: checks that HR makes in person."""

from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from bot.commands.common import (
    By,
    Json,
    NationalId,
    err,
    operator,
    out,
    say,
    say_json,
    settings_or_exit,
    typed_id,
    with_database,
)
from bot.settings import Settings

app = typer.Typer(help="Identity checks that HR makes in person.", no_args_is_help=True)


@app.command("list")
def identity_list(as_json: Json = False, by: By = "") -> None:
    """Who waits for HR to confirm who they are."""
    from bot.times import wall_clock
    from handlers.identity import checks
    from storage.database import retried

    @retried
    async def work(_: Settings, database: Any, vault: Any) -> list[checks.Check]:
        async with database.write() as tx:  # it is written down who looked
            return await checks.list_open(tx, vault, by=operator(by), now=wall_clock())

    found = with_database(work)
    if as_json:
        say_json([{**check.__dict__, "matches": dict(check.matches)} for check in found])
        return
    if not found:
        out.print("Nobody is waiting.")
    zone = ZoneInfo(settings_or_exit().timezone)
    for check in found:
        asked = datetime.fromtimestamp(check.asked_at / 1000, zone).strftime("%Y-%m-%d %H:%M")
        agrees = ", ".join(f"{name} {'agrees' if ok else 'DIFFERS'}" for name, ok in check.matches.items())
        why = {"card": "card not checked", "form": "form of the reporting day"}[check.why]
        for line in (
            f"{check.reference}  asked {asked}  ({why})",
            f"  typed   {check.name}, born {check.birth_date}",
            f"  roster  {check.roster_name or 'NOBODY HAS THIS ID'} {check.unit} {agrees}",
        ):
            say(line)


Reference = Annotated[str, typer.Argument(help="The six digits on the person's screen.")]


@app.command("confirm")
def identity_confirm(
    reference: Reference,
    by: By = "",
    despite_mismatch: Annotated[
        bool, typer.Option(help="What was typed differs from the roster, and you know why.")
    ] = False,
) -> None:
    """The person stood before you, and their ID card bears the roster's name."""
    _decide(reference, confirmed=True, by=by, despite_mismatch=despite_mismatch)


@app.command("refuse")
def identity_refuse(reference: Reference, by: By = "") -> None:
    """It is not them, or nobody came."""
    _decide(reference, confirmed=False, by=by)


@app.command("unblock")
def identity_unblock(
    national_id: NationalId = "",
    by: By = "",
) -> None:
    """Lift what wrong codes have blocked for this person, who stands before you with their card."""
    from bot.times import wall_clock
    from handlers.identity import checks
    from storage.database import retried

    wanted = typed_id(national_id)

    @retried
    async def work(_: Settings, database: Any, vault: Any) -> bool:
        async with database.write() as tx:
            return await checks.unblock(tx, vault, wanted, by=operator(by), now=wall_clock())

    if not with_database(work):
        err.print("Nobody on the roster has this ID.")
        raise typer.Exit(1)
    out.print("unblocked")


def _decide(reference: str, *, confirmed: bool, by: str, despite_mismatch: bool = False) -> None:
    from bot.outbox import Outbox
    from bot.thai import ascii_digits
    from bot.times import wall_clock
    from handlers.identity import checks

    async def work(_: Settings, database: Any, vault: Any) -> None:
        outbox = Outbox(database, vault, wall_clock)
        await checks.decide(
            database,
            vault,
            outbox,
            ascii_digits(reference).strip(),
            confirmed=confirmed,
            despite_mismatch=despite_mismatch,
            by=operator(by),
            clock=wall_clock,
        )

    try:
        with_database(work)
    except checks.Undecidable as error:
        err.print(_UNDECIDABLE[error.code])
        raise typer.Exit(1) from None
    out.print("confirmed" if confirmed else "refused")


_UNDECIDABLE = {
    "unknown": "No check has this reference. `kp7 identity list` shows the open ones.",
    "mismatch": "What was typed differs from the roster (kp7 identity list). If you know why: --despite-mismatch.",
    "decided": "This check was decided already.",
    "not_on_roster": "Nobody on the roster has that ID. Import the person first (kp7 import roster), or refuse.",
}
