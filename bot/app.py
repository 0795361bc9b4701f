"""The only place where the parts are wired together."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from bot import demo, erase, health
from bot.anchors import Anchors
from bot.channels.line.channel import Line
from bot.channels.web import WebChat
from bot.fetching import Fetch
from bot.http import STATIC, Headers, Straight, plain
from bot.links import Links
from bot.logs import place
from bot.lookout import Lookout
from bot.mail import Mailer
from bot.notices import Notices, events
from bot.outbox import Carrier, Outbox
from bot.papers.room import Papers
from bot.pictures import Pictures
from bot.policy import Policy
from bot.pulse import Pulse
from bot.schedule import Besides, Schedule
from bot.settings import Settings
from bot.text import Texts
from bot.times import HOUR, local_date, wall_clock
from bot.topic import Equipment, Registry, merged
from bot.turn import Turn
from bot.walk import House
from handlers import topics
from handlers.documents import campaigns
from handlers.documents.campaigns import Terms
from handlers.documents.listing import list_people
from handlers.organisation import grants
from handlers.organisation.grants import Order, Wanted
from handlers.organisation.imports import DateRule, import_organisations, import_roster
from handlers.organisation.roster import RosterRow, read_roster
from storage.database import Database, Unavailable
from storage.erasures import MEND, Ledger
from storage.files import Files
from storage.opening import opened
from storage.people import national_id_index
from storage.plain_files import Unfit
from storage.stores import objects_at
from storage.vault import Vault

log = structlog.get_logger()

Clock = Callable[[], int]


@dataclass
class Kp7:
    """Everything that runs in one process. `async with running(settings) as kp7`."""

    settings: Settings
    policy: Policy
    database: Database
    vault: Vault
    texts: Texts
    outbox: Outbox
    turn: Turn
    notices: Notices
    schedule: Schedule
    anchors: Anchors
    pulse: Pulse
    registry: Registry
    files: Files
    papers: Papers
    lookout: Lookout
    line: Line | None
    web: WebChat | None
    mailbox: demo.Mailbox | None
    pictures: Pictures
    clock: Clock
    tasks: tuple[str, ...] = ("batcher", "pulse", "outbox", "schedule")  # what must run here


def date_rule(settings: Settings) -> DateRule:
    return DateRule(settings.self_service_before, settings.transfer_overrides_date)


def wire(settings: Settings, database: Database, vault: Vault, clock: Clock = wall_clock) -> Kp7:
    policy = Policy(settings, clock)
    texts = Texts(timezone=settings.timezone)
    outbox = Outbox(database, vault, clock)
    files = Files(database, objects_at(settings.files_address))
    papers = Papers(settings.papers_at_once, clamd=settings.clamd, ocr=settings.ocr)
    fetch: dict[str, Fetch] = {}
    registry = Registry(topics(Equipment(database, vault, policy, texts, files, papers, fetch, clock)))
    turn = Turn(database, House.of(registry, texts, vault, policy), outbox, clock)
    mailbox = demo.Mailbox(texts) if settings.demo else None
    notices = Notices(database, vault, outbox, texts, registry, clock)
    sent: Callable[[EmailMessage], None] | None = mailbox.add if mailbox else None
    mailer = Mailer(settings, texts, sent)
    line = Line(settings, turn.take, clock) if settings.line_channel_secret else None
    web = WebChat(database, vault, policy, texts, turn.take, clock, files) if settings.web_chat else None
    fetch |= {**({"line": line.fetch} if line else {}), **({"web": web.uploads.fetch} if web else {})}
    pictures = Pictures(database, vault, files, Links(vault.secret("pictures")), clock)
    carriers: Mapping[str, Carrier] = {
        "mail": Carrier(mailer.deliver, notices.mail_undelivered),
        "notice": Carrier(notices.deliver),
        "event": events(turn.take),
        **({"line": line.carrier()} if line else {}),
        **({"web": Carrier(web.deliver)} if web else {}),
    }
    of_topics = {kind: make(turn.take) for kind, make in registry.carriers.items()}
    outbox.carriers.update(merged("carrier", (carriers, of_topics)))
    anchors = Anchors(database, vault, mailer, settings, clock)

    async def sweep_files() -> bool:
        return await files.sweep(clock())

    besides: Mapping[str, Besides] = {
        "anchor_audit": anchors.keep_up,
        "sweep_files": sweep_files,
        "stay_erased": hourly(partial(stay_erased, settings, database, vault, registry, clock), clock),
    }
    schedule = Schedule(database, outbox, notices, registry, policy, clock, besides)
    pulse = Pulse(database, vault, policy, lambda: schedule.standing)
    return Kp7(
        settings,
        policy,
        database,
        vault,
        texts,
        outbox,
        turn,
        notices,
        schedule,
        anchors,
        pulse,
        registry,
        files,
        papers,
        Lookout(files.objects),
        line,
        web,
        mailbox,
        pictures,
        clock,
    )


@asynccontextmanager
async def running(
    settings: Settings, clock: Clock = wall_clock, *, web: bool = True, worker: bool = True
) -> AsyncIterator[Kp7]:
    """Wired, started, and stopped in an order that finishes what was accepted. Raises `keys.WrongKey`.

    `web`: people reach it. `worker`: it works off what is due, and sweeps.
    """
    mail_server: asyncio.Server | None = None
    if settings.demo:
        settings = demo.settings(settings)
        if settings.smtp_host == "127.0.0.1" and "smtp_port" not in settings.model_fields_set:
            mail_server, port = await demo.mail_server()
            settings = settings.model_copy(update={"smtp_port": port})
    database = await Database.open(settings.database_url)
    try:
        vault = await opened(database, settings.master, settings.master_old)
        kp7 = wire(settings, database, vault, clock)
        try:
            await kp7.pulse.start()
            await stay_erased(settings, database, vault, kp7.registry, clock)
            if settings.demo:
                await load_samples(kp7)
            kp7.tasks = (
                *("batcher", "pulse"),
                *(("outbox", "schedule") if worker else ()),
                *(() if database.alone else ("leases",)),
                *(("hub",) if kp7.web and web and not database.alone else ()),
                *(("files",) if web else ()),
            )
            kp7.turn.start()
            kp7.outbox.start(claims=worker)
            if worker:
                kp7.schedule.start()
                await kp7.pulse.once()  # which says from now on how the schedule stands
            if web:
                kp7.lookout.start()  # for whoever asks at the door
            if kp7.web and web:
                kp7.web.start()
            yield kp7
        finally:
            await _stop(kp7)
    finally:
        if mail_server:
            mail_server.close()
        await database.close()


async def _stop(kp7: Kp7) -> None:
    """In order. What one part cannot do any more (the database is gone) keeps no other from stopping."""
    parts: dict[str, Callable[[], Awaitable[None]] | None] = {
        "web": kp7.web.stop if kp7.web else None,
        "lookout": kp7.lookout.stop,
        "schedule": kp7.schedule.stop,
        "turn": kp7.turn.stop,
        "outbox": kp7.outbox.stop,
        "pulse": kp7.pulse.stop,
        "line": kp7.line.close if kp7.line else None,
    }
    for part, stop in parts.items():
        try:
            if stop:
                await stop()
        except Exception as error:
            log.warning("stopped_badly", part=part, error=type(error).__name__, at=place(error))


def ledger_of(settings: Settings, vault: Vault) -> Ledger:
    return Ledger(settings.erased_path, vault.secret("erasures"))


async def stay_erased(
    settings: Settings, database: Database, vault: Vault, registry: Registry, clock: Clock = wall_clock
) -> None:
    """Whoever was erased is not in this database, wherever it comes from."""
    ledger = ledger_of(settings, vault)
    if fault := await erase.take_up(database, ledger):  # no reason to turn people away: nobody is back by that here
        log.error("erasure_ledger_incomplete", fault=fault, mend=MEND)
    try:
        erasures = await asyncio.to_thread(ledger.read)
    except Unfit:  # which was said
        return
    if erasures and (gone := await erase.again(database, vault, registry.holds, erasures.keys, clock())):
        log.warning("erased_again", keys=gone)


def hourly(do: Callable[[], Awaitable[None]], clock: Clock) -> Callable[[], Awaitable[None]]:
    """From an hour after now on."""
    last = clock()

    async def chore() -> None:
        nonlocal last
        if abs(clock() - last) >= HOUR:
            await do()
            last = clock()

    return chore


async def load_samples(kp7: Kp7, folder: Path = demo.SAMPLES) -> None:
    """Again without harm: unchanged rows are left alone. Never into a database that holds real people."""
    sample = next(row for row in read_roster(folder / "roster.csv", date(2026, 1, 1)) if isinstance(row, RosterRow))
    index = national_id_index(kp7.vault, sample.national_id)
    async with kp7.database.read() as tx:
        someone = await tx.one("SELECT 1 FROM people LIMIT 1")
        known = await tx.one("SELECT 1 FROM people WHERE id_index = :index", {"index": index})
    if someone and not known:
        raise SystemExit("DATABASE_URL names a database with people of its own: the demo will not touch it.")
    await import_organisations(kp7.database, kp7.vault, folder / "organisations.csv")
    today = date.fromtimestamp(kp7.clock() / 1000)  # noqa: DTZ012  only bounds birth dates
    rule = date_rule(kp7.policy.settings)
    await import_roster(
        kp7.database, kp7.vault, folder / "roster.csv", today=today, rule=rule, by="demo", clock=kp7.clock
    )
    await _sample_campaign(kp7, folder / "uncertified.csv")
    await _sample_officer(kp7, folder / "papers" / "order.pdf")


async def _sample_campaign(kp7: Kp7, people: Path) -> None:
    """Unless there was one before, closed or moved though it may be."""
    timezone = kp7.settings.timezone
    async with kp7.database.read() as tx:
        if await campaigns.every(tx, timezone):
            return
    due = local_date(kp7.clock(), timezone) + timedelta(weeks=4)
    terms = Terms(kp7.texts("th", "campaign.documents", {}), due, due + timedelta(weeks=1))
    await list_people(kp7.database, kp7.vault, people, terms, timezone=timezone, by="demo", clock=kp7.clock)


async def _sample_officer(kp7: Kp7, order: Path) -> None:
    """Unless somebody had a role before, ended though it may be."""
    async with kp7.database.read() as tx:
        if await tx.one("SELECT 1 FROM grants LIMIT 1"):
            return
    today = local_date(kp7.clock(), kp7.settings.timezone)
    pdf = await asyncio.to_thread(order.read_bytes)
    given = Order("1/2569", min(today, date(2026, 1, 5)), pdf, "นายหัวหน้า ส่วนราชการ")  # as it says
    wanted = Wanted("unit_hr", "D01", below=True, order=given, starts_on=today)
    try:
        await grants.add(
            kp7.database, kp7.vault, kp7.files, kp7.papers.take, demo.OFFICER, wanted,
            by="demo", clock=kp7.clock, timezone=kp7.settings.timezone,
        )  # fmt: skip
    except (grants.Refused, grants.BadOrder) as error:  # everything else can be tried all the same
        log.warning("no_sample_officer", why=str(error))


def web_app(kp7: Kp7) -> ASGIApp:
    async def home(_: Request) -> Response:
        return RedirectResponse("/chat") if kp7.web else PlainTextResponse("KP7")

    routes: list[BaseRoute] = [
        Route("/", home),
        *health.routes(
            kp7.database,
            kp7.clock,
            tasks=kp7.tasks,
            files=lambda: kp7.lookout.standing,
            master=kp7.settings.master,
            public=kp7.settings.metrics_public,
        ),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    routes += [*kp7.pictures.routes(), *kp7.registry.pages(kp7.outbox)]
    if kp7.web:
        routes += kp7.web.routes()
    if kp7.mailbox:
        routes += kp7.mailbox.routes()
    app = Starlette(
        routes=routes,
        exception_handlers={
            Unavailable: plain(503, "busy"),
            ClientDisconnect: plain(400, "gone"),  # nobody hears it; but unhandled, each would be a line in the log
            404: plain(404, "not here"),
            405: plain(405, "not so"),
        },
    )
    app.router.redirect_slashes = False  # a redirect would repeat the Host header
    webhooks = {"/webhooks/line": kp7.line.webhook} if kp7.line else {}
    return Headers(Straight(app, webhooks), secure=kp7.settings.secure)  # outermost: a crash has the headers too
