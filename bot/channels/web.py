"""The built-in web chat. A channel like the others: what people do comes in as events, what the outbox brings is shown.

One browser may hold several people side by side (slots). The browser is a random cookie; an account's external id
is the cookie's blind index and the slot, so the database holds nothing that opens somebody's chat.
"""

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot import metrics
from bot.channels import relay
from bot.channels.shown import pictures_of
from bot.channels.uploads import LoggedOut, TooMany, Unmeasured, Uploads, lives
from bot.events import LANGUAGES, Event, File, Language, Opened, Press, Text
from bot.http import Busy, TooLarge, body, held_back, language_of, same_origin
from bot.logs import seldom
from bot.outbox import Entry
from bot.policy import Policy
from bot.strict_json import Malformed, parse
from bot.text import Texts
from bot.times import MINUTE, SECOND
from bot.topic import Incoming, Take
from storage.database import Database, Unavailable
from storage.files import Files
from storage.ids import time_of
from storage.objects import Unstored
from storage.vault import Keyring, Tampered, Vault

log = structlog.get_logger()

STATIC = Path(__file__).parent / "static"
PEOPLE = 6  # more phones than this do not fit on a screen
TEXT_LIMIT = 5_000
FILES_AT_ONCE = 100
BODY_LIMIT = 64 * 1024
HISTORY = 200
HEARTBEAT_SECONDS = 15
_ID = re.compile(r"[0-9A-Za-z-]{8,64}")
_COUNT = re.compile(r"[1-9][0-9]{0,2}")
_BUSY = "busy:"  # before the time until which, where others are told of a message
_COOKIE = re.compile(r"[0-9A-Za-z_-]{43}")
_SLOTS = frozenset(str(slot) for slot in range(1, PEOPLE + 1))


class Hub:
    """Who listens right now, by browser."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[asyncio.Queue[str | None]]] = {}
        self.closed = False

    def listen(self, browser: str) -> asyncio.Queue[str | None]:
        queue: asyncio.Queue[str | None] = asyncio.Queue(maxsize=1000)
        self._listeners.setdefault(browser, set()).add(queue)
        return queue

    def leave(self, browser: str, queue: asyncio.Queue[str | None]) -> None:
        listeners = self._listeners.get(browser, set())
        listeners.discard(queue)
        if not listeners:
            self._listeners.pop(browser, None)

    def has(self, browser: str) -> bool:
        return browser in self._listeners

    def publish(self, browser: str, event: str) -> None:
        for queue in self._listeners.get(browser, ()):
            if queue.full():  # a browser that does not read: its stream ends; it reconnects and is shown what it missed
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(None)
                continue
            queue.put_nowait(event)

    def close(self) -> None:
        """End all streams and take no new ones: a graceful stop waits for them, and browsers come back at once."""
        self.closed = True
        self.end()

    def end(self) -> None:
        """Browsers come back at once, and are shown what they missed."""
        for listeners in self._listeners.values():
            for queue in listeners:
                if queue.full():
                    queue.get_nowait()
                queue.put_nowait(None)


class WebChat:
    def __init__(
        self,
        database: Database,
        vault: Vault,
        policy: Policy,
        texts: Texts,
        take: Take,
        clock: Callable[[], int],
        files: Files,
    ) -> None:
        self._database, self._vault, self._policy, self._texts = database, vault, policy, texts
        self._settings = policy.settings  # of the deployment: address, demo
        self._take, self._clock = take, clock
        self.uploads = Uploads(database, vault, policy, files, clock)
        self._cookie = "__Host-kp7" if self._settings.secure else "kp7"
        self._page = (STATIC / "chat.html").read_text("utf-8")
        self.hub = Hub()
        self._me = secrets.token_hex(8)  # among the processes that serve this chat
        self._hearing: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._hearing = asyncio.create_task(relay.hear(self._database, self._me, self._show, self.hub.end), name="hub")

    async def stop(self) -> None:
        self.hub.close()
        if self._hearing:
            self._hearing.cancel()
            await asyncio.gather(self._hearing, return_exceptions=True)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/chat", self.page),
            Route("/chat/people", self.people, methods=["GET"]),
            Route("/chat/people", self.add_person, methods=["POST"]),
            Route("/chat/people/{slot}/messages", self.message, methods=["POST"]),
            Route("/chat/people/{slot}/files", self.file, methods=["POST"]),
            Route("/chat/stream", self.stream),
            Mount("/chat/static", StaticFiles(directory=STATIC)),
        ]

    # --- out --------------------------------------------------------------------------------------------------------

    async def deliver(self, entry: Entry) -> None:
        """Show it: a row of the chat's history, and whoever listens hears it. Twice is once: the ids are the same."""
        if entry.purpose == "loading":
            await self._busy(entry)
            return
        async with self._database.write() as tx:
            row = await tx.one("SELECT wrapped FROM keys WHERE id = :id", {"id": entry.key_id})
            if row is None:  # whoever this was for has been erased
                return
            key = self._vault.unwrap(entry.key_id, row["wrapped"])
            # only what is still to be shown: whoever has logged out meanwhile took it along; and whoever is about to
            # log out waits, or would leave it behind
            await tx.among(_STAYS, [{"id": entry.account_id}])
            shown = await tx.run(
                "INSERT INTO chat_messages (id, account_id, key_id, body, at) "
                "SELECT :id, :account, :key_id, :body, :at WHERE EXISTS (SELECT 1 FROM outbox WHERE id = :id) "
                "ON CONFLICT DO NOTHING",
                {
                    "id": entry.id,
                    "account": entry.account_id,
                    "key_id": key.id,
                    "body": key.seal(entry.content["message"], "chat_messages", entry.id, "body"),
                    "at": time_of(entry.id),
                },
            )
            if shown:
                await relay.tell(tx, self._me, entry.content["to"], entry.id)
        if shown:
            browser, _, slot = entry.content["to"].rpartition(".")
            self.hub.publish(browser, _event(int(slot), entry.id, entry.content["message"]))

    async def _busy(self, entry: Entry) -> None:
        """Something is under way: whoever listens now is shown so, and nothing is kept of it."""
        to, until = entry.content["to"], time_of(entry.id) + entry.content["seconds"] * SECOND
        if self._clock() >= until:
            return
        if not self._database.alone:
            async with self._database.write() as tx:
                await relay.tell(tx, self._me, to, f"{_BUSY}{until}")
        self._show_busy(to, until)

    def _show_busy(self, to: str, until: int) -> None:
        browser, _, slot = to.rpartition(".")
        seconds = -(-(until - self._clock()) // SECOND)
        self.hub.publish(browser, f"event: busy\ndata: {json.dumps({'slot': int(slot), 'seconds': seconds})}\n\n")

    async def _show(self, to: str, id: str) -> None:
        """What another process has put into the chat's history, to whoever listens here."""
        browser, _, slot = to.rpartition(".")
        if not self.hub.has(browser):
            return
        if id.startswith(_BUSY):
            self._show_busy(to, int(id.removeprefix(_BUSY)))
            return
        async with self._database.read() as tx:
            row = await tx.one(
                "SELECT m.body, m.key_id, k.wrapped FROM chat_messages m JOIN keys k ON k.id = m.key_id "
                "WHERE m.id = :id",
                {"id": id},
            )
        if row:  # else it was taken back meanwhile
            message = self._vault.unwrap(row["key_id"], row["wrapped"]).open(row["body"], "chat_messages", id, "body")
            self.hub.publish(browser, _event(int(slot), id, message))

    # --- in ---------------------------------------------------------------------------------------------------------

    async def page(self, request: Request) -> Response:
        if self._browser(request) is None and (again := held_back(request)):
            return again
        response = HTMLResponse(fill(self._page, self._texts, language_of(request), demo=self._settings.demo))
        if self._browser(request) is None:
            response.set_cookie(
                self._cookie,
                secrets.token_urlsafe(32),
                httponly=True,
                secure=self._settings.secure,
                samesite="strict",
                path="/",
                max_age=30 * 86_400,
            )
        return response

    def _browser(self, request: Request) -> str | None:
        cookie = request.cookies.get(self._cookie, "")
        return self._vault.index("browser", cookie) if _COOKIE.fullmatch(cookie) else None

    async def people(self, request: Request) -> Response:
        browser = self._browser(request)
        if browser is None:
            return self._refuse("web.error.reload", 401)
        slots = await self._slots(browser)
        return JSONResponse({"people": [{"slot": slot} for slot in slots], "max": PEOPLE})

    async def _slots(self, browser: str) -> list[int]:
        async with self._database.read() as tx:
            rows = await tx.each(f"SELECT a.external_id FROM {_ACCOUNTS}", _accounts(browser))  # noqa: S608
        return sorted({1, *(int(row["external_id"].rpartition(".")[2]) for row in rows)})

    async def add_person(self, request: Request) -> Response:
        browser = self._browser(request)
        if browser is None or not same_origin(request, self._settings.address):
            return self._refuse("web.error.reload", 401)
        slot = max(await self._slots(browser)) + 1
        if slot > PEOPLE:
            return self._refuse("web.error.too_many_people", 409)
        return JSONResponse({"slot": slot}, 201)

    async def message(self, request: Request) -> Response:
        try:
            given = parse(await body(request, BODY_LIMIT))
        except TooLarge:
            return self._refuse("web.error.too_long", 413)
        except Busy:
            return self._refuse("web.error.busy", 503)
        except Malformed:
            return self._refuse("web.error.malformed", 400)
        event = _decode(given)
        if event is None:
            return self._refuse("web.error.malformed", 400)
        if isinstance(event, Text) and len(event.body) > TEXT_LIMIT:
            return self._refuse("web.error.too_long", 413)
        return await self._accept(request, given["id"], event)

    async def file(self, request: Request) -> Response:
        """Whose it is comes first: nothing of a stranger's is read, let alone kept."""
        given = request.query_params
        id, name = given.get("id", ""), given.get("name", "")
        place = _place(given.get("nth", "1"), given.get("of", "1"))
        if not _ID.fullmatch(id) or not name or len(name) > 255 or place is None:
            return self._refuse("web.error.malformed", 400)
        external_id = self._sender(request)
        if isinstance(external_id, Response):
            return external_id
        try:
            reference, size = await self.uploads.keep(external_id, request)
        except LoggedOut:
            return self._refuse_file("web.error.login_first", 403)
        except TooMany:
            return self._refuse_file("web.error.too_many_files", 429)
        except TooLarge:
            return self._refuse_file("web.error.file_too_large", 413)
        except Unmeasured:
            return self._refuse_file("web.error.malformed", 411)
        except Unstored as error:
            log.error("upload_unstored", reason=str(error))
            return self._refuse_file("web.error.busy", 503)
        mime = request.headers.get("content-type", "")[:100]
        return await self._accept(request, id, File(name, mime, size, reference, place))

    def _sender(self, request: Request) -> str | Response:
        """The account's external id, or why there is none."""
        browser, slot = self._browser(request), request.path_params["slot"]
        if browser is None or not same_origin(request, self._settings.address):
            return self._refuse("web.error.reload", 401)
        return f"{browser}.{slot}" if slot in _SLOTS else self._refuse("web.error.malformed", 404)

    async def _accept(self, request: Request, id: str, event: Event) -> Response:
        external_id = self._sender(request)
        if isinstance(external_id, Response):
            return external_id
        try:
            outcome = await self._take(Incoming("web", external_id, f"{external_id}:{id}", event, language_of(request)))
            if outcome == "duplicate" and isinstance(event, File):
                await self.uploads.let_go(event.reference)
        except Unavailable:
            return self._refuse("web.error.busy", 503)
        return JSONResponse({})

    def _refuse_file(self, key: str, status: int) -> Response:
        metrics.file(key.removeprefix("web.error."))
        return self._refuse(key, status)

    def _refuse(self, key: str, status: int) -> Response:
        return JSONResponse({"message": {name: self._texts(name, key) for name in LANGUAGES}}, status)

    # --- live -------------------------------------------------------------------------------------------------------

    async def stream(self, request: Request) -> Response:
        browser = self._browser(request)
        if browser is None:
            return self._refuse("web.error.reload", 401)
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        if self.hub.closed:
            return self._refuse("web.error.busy", 503)
        last = request.headers.get("last-event-id", "")
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(self._events(browser, last), media_type="text/event-stream", headers=headers)

    async def _events(self, browser: str, last: str) -> AsyncIterator[str]:
        queue = self.hub.listen(browser)  # before the history is read, so that nothing falls between
        try:
            yield "retry: 700\n\n"  # milliseconds: back before the page says that the connection was lost
            for event in await self._history(browser, last):
                yield event
            yield "event: ready\ndata: {}\n\n"
            while True:
                try:
                    async with asyncio.timeout(HEARTBEAT_SECONDS):
                        live = await queue.get()
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if live is None:
                    return
                yield live
        finally:
            self.hub.leave(browser, queue)

    async def _history(self, browser: str, last: str) -> list[str]:
        """What was shown, oldest first. After `last`, with a minute's overlap: slots deliver independently."""
        since, now = time_of(last) - MINUTE, self._clock()
        async with self._database.read() as tx:
            rows = await tx.each(
                "SELECT m.id, m.body, m.key_id, k.wrapped, "  # noqa: S608  its parts are constants
                "a.id AS account, a.channel, a.external_id, a.key_id AS chat_key_id, a.person_id, "
                "a.session, a.shared, a.seen_at, a.session_at "
                f"FROM {_ACCOUNTS} JOIN chat_messages m ON m.account_id = a.id JOIN keys k ON k.id = m.key_id "
                f"WHERE m.at > CAST(e.value ->> 'since' AS BIGINT) ORDER BY m.id DESC LIMIT {HISTORY}",
                _accounts(browser, since=since),
            )
        events = []
        for row in reversed(rows):
            account = {**row, "id": row["account"], "key_id": row["chat_key_id"]}
            if row["session"] and not lives(self._vault, self._policy, account, now):
                continue  # it shows nothing any more, even before the sweep comes by
            try:
                keyring = Keyring(self._vault.unwrap(row["key_id"], row["wrapped"]))
                message = keyring.open(row["body"], "chat_messages", row["id"], "body")
            except Tampered:  # the others are shown all the same
                seldom("message_unreadable", "web", "tampered")
                continue
            events.append(_event(int(row["external_id"].rpartition(".")[2]), row["id"], message))
        return events


_STAYS = "SELECT 1 FROM each(:batch) e JOIN accounts a ON a.id = e.value ->> 'id' FOR SHARE OF a"
_ACCOUNTS = "each(:batch) e JOIN accounts a ON a.channel = 'web' AND a.external_id = e.value ->> 'external_id'"


def _accounts(browser: str, **more: int) -> list[dict[str, Any]]:
    """The rows of `_ACCOUNTS`: every slot this browser may have."""
    return [{"external_id": f"{browser}.{slot}", **more} for slot in range(1, PEOPLE + 1)]


def _event(slot: int, id: str, message: Mapping[str, Any]) -> str:
    shown = {**message, "pictures": pictures_of(message)}
    data = json.dumps({"slot": slot, "id": id, "at": time_of(id), **shown}, ensure_ascii=False)
    return f"event: message\nid: {id}\ndata: {data}\n\n"


def _decode(given: Any) -> Event | None:
    """{"id", and one of "text", "press", "open"} → event; None for anything else."""
    if not isinstance(given, dict) or not isinstance(id := given.get("id"), str) or not _ID.fullmatch(id):
        return None
    match given:
        case {"text": str(text)} if text.strip():
            return Text(text)
        case {"press": str(data)} if len(data) <= 300:
            return Press(data)
        case {"open": True}:
            return Opened()
    return None


def _place(nth: str, of: str) -> tuple[int, int] | None:
    """Which of how many files that were chosen at once."""
    if not (_COUNT.fullmatch(nth) and _COUNT.fullmatch(of)):
        return None
    return (int(nth), int(of)) if int(nth) <= int(of) <= FILES_AT_ONCE else None


def fill(page: str, texts: Texts, language: Language, *, demo: bool) -> str:
    """A page with its words in both languages, as JSON that cannot end the script element it stands in."""
    words: dict[str, Any] = {name: texts.prefixed(name, "web.", "mailbox.") for name in LANGUAGES}
    data = json.dumps({**words, "demo": demo}, ensure_ascii=False).replace("<", "\\u003c")
    return page.replace("{{language}}", language).replace("{{texts}}", data)
