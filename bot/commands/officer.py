"""`kp7 officer`: who acts for HR, by which order."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

import typer

from bot.commands.common import (
    By,
    Json,
    NationalId,
    cli_language,
    complain,
    day,
    operator,
    say,
    say_json,
    settings_or_exit,
    typed_id,
    with_database,
)
from bot.times import DAY

if TYPE_CHECKING:
    from handlers.organisation.coverage import Coverage
    from handlers.organisation.grants import Grant

T = TypeVar("T")
app = typer.Typer(help="Who acts for HR, and by which order.", no_args_is_help=True)
METAVAR = "YYYY-MM-DD"
LATELY = 90 * DAY
Role = Literal["unit_hr", "unit_admin", "province_officer", "department_officer", "central_admin"]
Why = Literal["revoked", "transferred", "left"]


@app.command("add")
def add(
    role: Annotated[Role, typer.Option(help="What they may do: docs/operators.md.")],
    unit: Annotated[str, typer.Option(help="Of which organisation: its code or its name.")],
    order: Annotated[str, typer.Option(metavar="NUMBER", help="Number of the order.")],
    order_date: Annotated[datetime, typer.Option(parser=day, metavar=METAVAR, help="Date of the order (CE).")],
    order_file: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, readable=True, metavar="PDF", help="The order itself.")
    ],
    signed_by: Annotated[
        str, typer.Option(metavar="ID_OR_NAME", help="Who signed: the ID, or for who has none here the name.")
    ],
    national_id: NationalId = "",
    below: Annotated[bool, typer.Option("--below", help="And of what is subordinate to it.")] = False,
    first: Annotated[
        datetime | None, typer.Option("--from", parser=day, metavar=METAVAR, help="First day (CE); else today.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(parser=day, metavar=METAVAR, help="Last day (CE); else until it is ended.")
    ] = None,
    address_checked: Annotated[
        bool,
        typer.Option("--address-checked", help="You asked them by telephone: the mailbox on record is theirs."),
    ] = False,
    by: By = "",
) -> None:
    """Give somebody a role, by an order of the head of the office."""
    wanted_id = typed_id(national_id)

    async def work(settings: Any, database: Any, vault: Any) -> str:
        from bot.papers.room import Papers
        from bot.times import local_date, wall_clock
        from handlers.organisation import grants
        from storage.files import Files
        from storage.stores import objects_at

        async with database.read() as tx:
            scope = await grants.organisation(tx, vault, unit)
        wanted = grants.Wanted(
            role=role,
            scope=scope,
            below=below,
            order=grants.Order(order, order_date.date(), _read(order_file, settings.paper_megabytes), signed_by),
            starts_on=first.date() if first else local_date(wall_clock(), settings.timezone),
            ends_on=until.date() if until else None,
            address_checked=address_checked,
        )
        papers = Papers(1, clamd=settings.clamd)
        files = Files(database, objects_at(settings.files_address))
        return await grants.add(
            database, vault, files, papers.take, wanted_id, wanted,
            by=operator(by), clock=wall_clock, timezone=settings.timezone,
        )  # fmt: skip

    id = _or_refused(lambda: with_database(work), order_file)
    say(f"granted: {id}")
    say("Before they decide anything they set up a second factor, in their own chat: the menu offers it.")


def _read(path: Path, megabytes: int) -> bytes:
    """No more of it than a paper may have."""
    with path.open("rb") as file:
        return file.read(megabytes * 1024 * 1024 + 1)


@app.command("list")
def list_officers(
    ended: Annotated[bool, typer.Option("--ended", help="Also all that have ended.")] = False,
    as_json: Json = False,
    by: By = "",
) -> None:
    """Who holds which role, until when, and for whom nobody is responsible; whose role a transfer ended lately."""
    now = 0

    async def work(settings: Any, database: Any, vault: Any) -> "tuple[list[Grant], Coverage]":
        from bot.times import local_date, wall_clock
        from handlers.organisation import grants
        from handlers.organisation.coverage import coverage

        nonlocal now
        now = wall_clock()
        today = local_date(now, settings.timezone)
        async with database.write() as tx:  # it is written down who looked
            covered = await coverage(tx, vault, today)
            return await grants.every(tx, vault, today=today, by=operator(by), now=now), covered

    from storage.database import retried

    everybody, covered = with_database(retried(work))
    shown = [
        one for one in everybody
        if ended or one.ended_at is None or (one.ended_why != "revoked" and now - one.ended_at < LATELY)
    ]  # fmt: skip
    if as_json:
        without = [{"unit": unit, "people": people} for unit, people in sorted(covered.without.items())]
        say_json({"officers": [vars(one) for one in shown], "listed": covered.listed, "without_officer": without})
        return
    zone = ZoneInfo(settings_or_exit().timezone)
    if not shown:
        say("Nobody holds a role.")
    for one in shown:
        say(_line(one, zone))
    if covered.listed:
        say(f"listed in open campaigns: {covered.listed}; for {covered.nobody} of them no officer is responsible")
    for name, people in sorted(covered.without.items()):
        say(f"  {name or 'unit unknown'}: {people}")


def _line(one: "Grant", zone: ZoneInfo) -> str:
    what = f"{one.id}  {one.name}, {one.unit}: {one.role} of {one.scope_name}{' and below' if one.below else ''}"
    if not one.genuine:
        return (
            f"{what}; NOT WRITTEN BY KP7, counts for nothing: `kp7 officer revoke` it, and ask who was in the database"
        )
    what += f", order {one.number} of {one.order_day}"
    if one.ended_at is not None:
        on = datetime.fromtimestamp(one.ended_at / 1000, zone).date()
        return f"{what}; ENDED {on}: {one.ended_why}"
    days = f"{one.starts_on} to {one.ends_on or 'open'}"
    return f"{what}; {days}{'' if one.acts else ' (NOT IN FORCE)'}; second factor: {'yes' if one.factor else 'NO'}"


@app.command("revoke")
def revoke(
    national_id: NationalId = "",
    grant: Annotated[str, typer.Option(metavar="GRANT", help="Only this one; else all that they hold.")] = "",
    why: Annotated[Why, typer.Option(help="For the record.")] = "revoked",
    by: By = "",
) -> None:
    """End somebody's role. They are powerless at once: in chats, at the desk, behind old buttons and links."""
    wanted = typed_id(national_id)

    async def work(_: Any, database: Any, vault: Any) -> int:
        from bot.times import wall_clock
        from handlers.organisation import grants

        return await grants.revoke(
            database, vault, wanted, grant=grant, why=why, by=operator(by), clock=wall_clock
        )  # fmt: skip

    say(f"revoked: {_or_refused(lambda: with_database(work))}")


@app.command("reset-factor")
def reset_factor(national_id: NationalId = "", by: By = "") -> None:
    """Of an officer who stands before you: their telephone is lost, and they are to set up another one."""
    wanted = typed_id(national_id)

    async def work(_: Any, database: Any, vault: Any) -> None:
        from bot.times import wall_clock
        from handlers.organisation import grants

        await grants.reset_factor(database, vault, wanted, by=operator(by), clock=wall_clock)

    _or_refused(lambda: with_database(work))
    say("reset; whatever was open with it is closed")


def _or_refused(work: Callable[[], T], order: Path | None = None) -> T:
    """Exit code 2, with the sentence; 1 where files cannot be kept just now."""
    from bot.text import Texts
    from handlers.documents.desk import numbers
    from handlers.organisation.grants import BadOrder, Refused
    from storage.objects import Unstored

    try:
        return work()
    except Refused as refused:
        complain(refused)
    except BadOrder as bad:
        assert order
        words = {**numbers(bad.unfit), "name": order.name}
        complain(Texts()(cli_language(), f"error.paper_{bad.unfit.reason}", words))
    except Unstored as error:
        complain(f"FILES_URL: the order could not be kept: {error}.")
        raise typer.Exit(1) from None
    raise typer.Exit(2)
