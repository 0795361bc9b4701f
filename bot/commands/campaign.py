"""`kp7 campaign`: who has to hand in papers, and until when."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from bot.commands.common import By, Dry, Json, cli_language, complain, day, operator, say, say_json, with_database
from bot.commands.files import bad_rows, bar, read_or_exit, tell_bad_rows

if TYPE_CHECKING:
    from handlers.documents.campaigns import Campaign, Terms
    from handlers.documents.listing import Report
    from handlers.documents.overview import Standing
    from handlers.review.numbers import Numbers

T = TypeVar("T")
app = typer.Typer(help="Campaigns: who has to hand in papers, and until when.", no_args_is_help=True)
METAVAR = "YYYY-MM-DD"
Id = Annotated[str, typer.Argument(help="As in `kp7 campaign list`.")]
Upstream = Annotated[
    datetime | None,
    typer.Option(parser=day, metavar=METAVAR, help="When the office must have handed on what it got (CE)."),
]


@app.command("documents")
def documents(
    people: Annotated[
        Path, typer.Option("--list", exists=True, dir_okay=False, readable=True, help="CSV or XLSX: ID, name.")
    ],
    due: Annotated[
        datetime | None, typer.Option(parser=day, metavar=METAVAR, help="When people must have handed in (CE).")
    ] = None,
    upstream_due: Upstream = None,
    name: Annotated[str, typer.Option(help="What people see it called.")] = "",
    each_child: Annotated[
        bool | None, typer.Option("--each-child/--one-child", help="A card of each child, or one for all.")
    ] = None,
    reuse_degree: Annotated[
        bool | None, typer.Option(help="A highest degree that is that of the appointment is handed in once.")
    ] = None,
    late_days: Annotated[
        int | None, typer.Option(help="Who is listed later has so many days, if that is more.")
    ] = None,
    purpose: Annotated[str, typer.Option(help="What the papers may be used for, for the mark on them.")] = "",
    levels: Annotated[int | None, typer.Option(help="How many officers look at each paper, 1 or 2.")] = None,
    campaign: Annotated[str, typer.Option(metavar="ID", help="Add people to this one.")] = "",
    dry_run: Dry = False,
    as_json: Json = False,
    by: By = "",
) -> None:
    """Ask people for papers: those on HR's list of records that are not certified. Again adds who is new."""
    terms = (due, upstream_due, name or None, each_child, reuse_degree, late_days, purpose or None, levels)
    if campaign and any(given is not None for given in terms):
        raise typer.BadParameter(
            "belongs to a campaign that is there: nothing but --list with it", param_hint="--campaign"
        )
    if not campaign and due is None:
        raise typer.BadParameter("say until when, or to which --campaign the people belong", param_hint="--due")

    async def work(settings: Any, database: Any, vault: Any) -> "Report":
        from bot.times import wall_clock
        from handlers.documents import campaigns, listing

        if campaign:
            async with database.read() as tx:
                to: Campaign | Terms = await campaigns.get_open(tx, campaign, settings.timezone)
        else:
            assert due
            to = _terms(due, upstream_due, name, each_child, reuse_degree, late_days, purpose, levels)
        with bar(people, shown=not as_json) as progress:
            return await listing.list_people(
                database, vault, people, to,
                timezone=settings.timezone, by=operator(by), clock=wall_clock, dry=dry_run, progress=progress,
            )  # fmt: skip

    _tell_listed(_or_refused(lambda: read_or_exit(work)), as_json=as_json, dry=dry_run)


def _terms(
    due: datetime,
    upstream_due: datetime | None,
    name: str,
    each_child: bool | None,
    reuse_degree: bool | None,
    late_days: int | None,
    purpose: str,
    levels: int | None,
) -> "Terms":
    from bot.text import Texts
    from handlers.documents.campaigns import LATE_DAYS, Terms
    from handlers.documents.rules import Options

    usual = Options()
    return Terms(
        name=name or Texts()("th", "campaign.documents", {}),
        due=due.date(),
        upstream_due=(upstream_due or due).date(),
        late_days=LATE_DAYS if late_days is None else late_days,
        options=Options(
            each_child=usual.each_child if each_child is None else each_child,
            reuse_degree=usual.reuse_degree if reuse_degree is None else reuse_degree,
            purpose=purpose,
            levels=usual.levels if levels is None else levels,
        ),
    )


@app.command("list")
def list_campaigns(as_json: Json = False) -> None:
    """Every campaign, the newest first."""

    async def work(settings: Any, database: Any, _vault: Any) -> "list[tuple[Campaign, int]]":
        from handlers.documents import campaigns

        async with database.read() as tx:
            return await campaigns.every(tx, settings.timezone)

    found = with_database(work)
    if as_json:
        say_json([{**_told(campaign), "people": people} for campaign, people in found])
        return
    if not found:
        say("There is no campaign.")
    for campaign, people in found:
        say(f"{_line(campaign)}  {_people(people)}")


@app.command("show")
def show(id: Id, as_json: Json = False, by: By = "") -> None:
    """Who is listed, until when, and how much of what they owe has been handed in."""

    from bot.text import Texts
    from handlers.documents.overview import STAGES

    async def work(settings: Any, database: Any, vault: Any) -> "tuple[Campaign, list[Standing]]":
        from bot.times import wall_clock
        from handlers.documents import campaigns, overview

        async with database.read() as tx:
            campaign = await campaigns.get(tx, id, settings.timezone)
        shown = overview.standings(database, vault, campaign, by=operator(by), clock=wall_clock)
        return campaign, [standing async for standing in shown]

    campaign, people = _or_refused(lambda: with_database(work))
    stages: dict[str, object] = {stage: sum(one.stage == stage for one in people) for stage in STAGES}
    if as_json:
        listed = [
            {"id": one.person_id, "name": one.name, "unit": one.unit, "listed_on": one.listed_on, "due": one.due,
             "stage": one.stage, "owed": one.owed, "handed_in": one.handed_in, "papers": one.papers,
             "returned": one.papers.get("returned", 0), "approved": one.papers.get("approved", 0),
             "certified": one.certified}
            for one in people
        ]  # fmt: skip
        say_json({**_told(campaign), "stages": stages, "people": listed})
        return
    texts, language = Texts(), cli_language()
    say(_line(campaign))
    for one in people:
        stage = texts(language, f"cli.stage.{one.stage}", {"handed_in": one.handed_in, "owed": one.owed or "?"})
        papers = ", ".join(f"{state} {count}" for state, count in one.papers.items())
        certified = f", {texts(language, 'cli.certified')}" if one.certified else ""
        say(f"{one.due}  {one.name}, {one.unit}: {stage}{f' ({papers})' if papers else ''}{certified}")
    say(texts(language, "cli.stages", {"people": len(people), **stages}))
    counts = {state: sum(one.papers.get(state, 0) for one in people) for state in ("approved", "returned", "waived")}
    say(texts(language, "cli.verdicts", {"certified": sum(one.certified for one in people), **counts}))


@app.command("numbers")
def numbers(id: Id, as_json: Json = False) -> None:
    """Of each unit: how many are listed, complete and certified; how many papers wait and came back."""
    from bot.text import Texts

    async def work(settings: Any, database: Any, vault: Any) -> "tuple[Campaign, list[Numbers]]":
        from handlers.documents import campaigns
        from handlers.review import numbers

        async with database.read() as tx:
            campaign = await campaigns.get(tx, id, settings.timezone)
        return campaign, await numbers.numbers(database, vault, campaign)

    campaign, units = _or_refused(lambda: with_database(work))
    if as_json:
        say_json({**_told(campaign), "units": [asdict(unit) for unit in units]})
        return
    texts, language = Texts(), cli_language()
    say(_line(campaign))
    for unit in units:
        say(f"{unit.unit or '-'}  {unit.name}: {texts(language, 'cli.numbers', asdict(unit))}")
    whole = {name: sum(getattr(unit, name) for unit in units) for name in _COUNTED}
    say(texts(language, "cli.numbers_in_all", {"numbers": texts(language, "cli.numbers", whole)}))


_COUNTED = ("listed", "complete", "waiting", "returned", "certified")


@app.command("close")
def close(id: Id, by: By = "") -> None:
    """Nobody is asked for papers any more. What was handed in stays; what was not is deleted."""
    from handlers.documents import campaigns

    unfinished = _written(lambda tx, vault, _, now: campaigns.close(tx, vault, id, by=operator(by), now=now))
    if unfinished is None:
        say("was closed before")
    else:
        say(f"closed{f'; what {_people(unfinished)} had not handed in is deleted' if unfinished else ''}")


@app.command("due")
def move(
    id: Id,
    due: Annotated[datetime, typer.Option(parser=day, metavar=METAVAR, help="When people must have handed in (CE).")],
    upstream_due: Upstream = None,
    by: By = "",
) -> None:
    """Another day, also for everybody whose day was the campaign's."""
    from handlers.documents import campaigns

    upstream = upstream_due.date() if upstream_due else None
    moved = _written(
        lambda tx, vault, zone, now: campaigns.move(tx, vault, id, due.date(), upstream, zone, by=operator(by), now=now)
    )
    say(f"moved to {due.date()}, also for {_people(moved)}")


def _written(work: Callable[[Any, Any, str, int], Awaitable[T]]) -> T:
    """One transaction. `work` is given it, the vault, the time zone, and what time it is."""
    from storage.database import retried

    @retried
    async def run(settings: Any, database: Any, vault: Any) -> T:
        from bot.times import wall_clock

        async with database.write() as tx:
            return await work(tx, vault, settings.timezone, wall_clock())

    return _or_refused(lambda: with_database(run))


def _or_refused(work: Callable[[], T]) -> T:
    """Exit code 2, with the sentence."""
    from handlers.documents.campaigns import Refused

    try:
        return work()
    except Refused as refused:
        complain(refused)
        raise typer.Exit(2) from None


def _tell_listed(report: "Report", *, as_json: bool, dry: bool) -> None:
    from bot.text import Texts

    texts, language = Texts(), cli_language()
    bad = bad_rows(report.bad)
    id = report.campaign.id if report.campaign else None
    counts = {"added": report.added, "left": report.left}
    if as_json:
        elsewhere = [{"campaign": one, "name": name, "people": n} for (one, name), n in report.elsewhere.items()]
        say_json({"campaign": id, "due": report.due, **counts, "elsewhere": elsewhere, "bad": bad})
    else:
        tell_bad_rows(bad)
        if report.campaign:
            say(_line(report.campaign))
        numbers = {**counts, "due": report.due, "bad": len({row["row"] for row in bad})}
        say(texts(language, "cli.would_list" if dry else "cli.listed", numbers))
        for (one, name), n in report.elsewhere.items():
            say(texts(language, "cli.elsewhere", {"campaign": one, "name": name, "n": n}))
    raise typer.Exit(1 if bad else 0)


def _people(n: int) -> str:
    return "1 person" if n == 1 else f"{n} people"


def _line(campaign: "Campaign") -> str:
    terms = campaign.terms
    return (
        f"{campaign.id}  {terms.name}: due {terms.due}, upstream {terms.upstream_due}"
        f"{'  CLOSED' if campaign.closed else ''}"
    )


def _told(campaign: "Campaign") -> dict[str, Any]:
    terms = campaign.terms
    return {
        "id": campaign.id,
        "name": terms.name,
        "due": terms.due,
        "upstream_due": terms.upstream_due,
        "late_days": terms.late_days,
        "each_child": terms.options.each_child,
        "reuse_degree": terms.options.reuse_degree,
        "purpose": terms.options.purpose,
        "levels": terms.options.levels,
        "made_on": campaign.made_on,
        "closed": campaign.closed,
    }
