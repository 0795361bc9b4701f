"""The only place where the parts are wired together."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from email.message import EmailMessage
from pathlib import Path

import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from bot import demo, erase, health
from bot.anchors import Anchors
from bot.channels.http import Headers, Straight, plain
from bot.channels.line.channel import Line
from bot.channels.web import WebChat
from bot.mail import Mailer
from bot.notices import Notices, events
from bot.outbox import Carrier, Outbox
from bot.policy import Policy
from bot.pulse import Pulse
from bot.schedule import Schedule
from bot.settings import Settings
from bot.text import Texts
from bot.times import wall_clock as wall_clock  # the commands ask for it here
from bot.topic import Registry, merged
from bot.turn import Turn
from bot.walk import House
from handlers import topics
from handlers.organisation.imports import DateRule, import_organisations, import_roster
from handlers.organisation.roster import RosterRow, read_roster
from storage.database import Database, Unavailable
from storage.erasures import Ledger
from storage.opening import opened
from storage.people import national_id_index
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
    line: Line | None
    web: WebChat | None
    mailbox: demo.Mailbox | None
    clock: Clock
    tasks: tuple[str, ...] = ("batcher", "pulse", "outbox", "schedule")  # what must run here


def date_rule(settings: Settings) -> DateRule:
    return DateRule(settings.self_service_before, settings.transfer_overrides_date)


def wire(settings: Settings, database: Database, vault: Vault, clock: Clock = wall_clock) -> Kp7:
    policy = Policy(settings, clock)
    texts = Texts(timezone=settings.timezone)
    outbox = Outbox(database, vault, clock)
    registry = Registry(topics(vault, policy))
    turn = Turn(database, House.of(registry, texts, vault, policy), outbox, clock)
    mailbox = demo.Mailbox(texts) if settings.demo else None
    notices = Notices(database, vault, outbox, texts, registry, clock)
    sent: Callable[[EmailMessage], None] | None = mailbox.add if mailbox else None
    mailer = Mailer(settings, texts, sent)
    line = Line(settings, turn.take, clock) if settings.line_channel_secret else None
    web = WebChat(database, vault, policy, texts, turn.take, clock) if settings.web_chat else None
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
    schedule = Schedule(database, outbox, notices, registry, policy, clock, anchors.keep_up)
    pulse = Pulse(database, vault, policy)
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
        line,
        web,
        mailbox,
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
        await kp7.pulse.start()
        await stay_erased(kp7)
        if settings.demo:
            await load_samples(kp7)
        kp7.tasks = (
            *("batcher", "pulse"),
            *(("outbox", "schedule") if worker else ()),
            *(() if database.alone else ("leases",)),
        )
        kp7.turn.start()
        kp7.outbox.start(claims=worker)
        if worker:
            kp7.schedule.start()
        if kp7.web and web:
            kp7.web.start()
        try:
            yield kp7
        finally:
            if kp7.web:
                await kp7.web.stop()
            for stopped in (kp7.schedule, kp7.turn, kp7.outbox, kp7.pulse):
                await stopped.stop()
            if kp7.line:
                await kp7.line.close()
    finally:
        if mail_server:
            mail_server.close()
        await database.close()


def ledger_of(settings: Settings, vault: Vault) -> Ledger:
    return Ledger(settings.erased_path, vault.secret("erasures"))


async def stay_erased(kp7: Kp7) -> None:
    """Whoever was erased is not in this database, wherever it comes from."""
    ledger = ledger_of(kp7.settings, kp7.vault)
    erasures = await asyncio.to_thread(ledger.read)
    if erasures is None:
        async with kp7.database.read() as tx:
            if await tx.one("SELECT 1 FROM people LIMIT 1"):  # was there a ledger elsewhere? nobody here knows
                log.warning("erasure_ledger_begun_late", path=str(ledger.path))
        await asyncio.to_thread(ledger.begin, kp7.clock())
    if erasures and erasures.damaged:
        log.error("erasure_ledger_damaged", path=str(ledger.path), lines=erasures.damaged)
    if erasures and (gone := await erase.again(kp7.database, kp7.vault, kp7.registry.holds, erasures.keys)):
        log.warning("erased_again", keys=gone)


async def load_samples(kp7: Kp7, folder: Path = demo.SAMPLES) -> None:
    """Again without harm: unchanged rows are left alone. Never into a database that holds real people."""
    sample = next(row for row in read_roster(folder / "roster.csv", date(2026, 1, 1)) if isinstance(row, RosterRow))
    index = national_id_index(kp7.vault, sample.national_id)
    async with kp7.database.read() as tx:
        someone = await tx.one("SELECT 1 FROM people LIMIT 1")
        known = await tx.one("SELECT 1 FROM people WHERE id_index = :index", {"index": index})
    if someone and not known:
        raise SystemExit("DATABASE_URL names a database with people of its own: the demo will not touch it.")
    await import_organisations(kp7.database, folder / "organisations.csv")
    today = date.fromtimestamp(kp7.clock() / 1000)  # noqa: DTZ012  only bounds birth dates
    rule = date_rule(kp7.policy.settings)
    await import_roster(
        kp7.database, kp7.vault, folder / "roster.csv", today=today, rule=rule, by="demo", clock=kp7.clock
    )


def web_app(kp7: Kp7) -> ASGIApp:
    async def home(_: Request) -> Response:
        return RedirectResponse("/chat") if kp7.web else PlainTextResponse("KP7")

    routes: list[BaseRoute] = [
        Route("/", home),
        *health.routes(
            kp7.database,
            kp7.clock,
            tasks=kp7.tasks,
            master=kp7.settings.master,
            public=kp7.settings.metrics_public,
        ),
    ]
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
