"""The page on which somebody blacks out parts of a paper and signs it, opened from the chat.

GET  /certify/<token>            a button; for the browser that pressed it, the page
POST /certify/<token>            the button: from now on the link is that browser's (`bot/page_links.py`)
GET  /certify/<token>/pages/<n>  page n of the paper, a JPEG
POST /certify/<token>/sign       JSON {"version", "strokes": [[[x, y], …], …] or null for the signature that is kept,
                                 "boxes": [{"page", "left", "top", "width", "height"}, …]}

Whoever has no live link, or another browser, gets one sentence, the same for every reason; only the browser that has
signed is told, when it comes again, that this is done (`page_links.receipt`). What is signed is stamped by
a job (`jobs.py`), which is written in the transaction that consumes the link: of two who sign, one does.
"""

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import jinja2
import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot import page_links
from bot.events import Language
from bot.http import Busy, TooLarge, body, language_of, same_origin
from bot.outbox import Outbox, Written
from bot.page_links import Link
from bot.papers.shapes import MAX_BOXES, Box, Picture, Reason, Stroke
from bot.strict_json import Malformed, parse
from bot.topic import Equipment
from handlers.documents import campaigns, jobs, signatures, store
from handlers.documents.owner import Owner, alone
from handlers.documents.rules import slot_of
from handlers.documents.script import name_of
from handlers.documents.store import Paper
from storage import people
from storage.database import Tx, retried
from storage.objects import Missing, Unstored
from storage.people import Person
from storage.vault import Tampered

log = structlog.get_logger()

HERE = Path(__file__).parent
PREFIX, PURPOSE = "/certify", "certify"  # of its links, which are about {"campaign", "slot"}
BODY_LIMIT = 512 * 1024
WIDTH = 1_000  # pixels of a page: small print can be read on a phone that is enlarged
_PAGE = re.compile(r"[1-9][0-9]{0,2}")
_COOKIE = re.compile(r"[0-9A-Za-z_-]{43}")
# A form's POST would come with `Origin: null` otherwise, and older browsers say nothing else of where it is from.
_HEADERS = {"referrer-policy": "same-origin"}
CERTIFIABLE = frozenset({"taken", "received", "returned"})


class Refused(Exception):
    """An answer: `status`, and the key of a sentence."""

    def __init__(self, status: int, key: str) -> None:
        super().__init__(key)
        self.status, self.key = status, key


@dataclass(frozen=True)
class Signing:
    """What a browser sent. `strokes` None: the signature that is kept."""

    version: int
    strokes: tuple[Stroke, ...] | None
    boxes: tuple[Box, ...]


def routes(house: Equipment, outbox: Outbox) -> list[BaseRoute]:
    page = SigningPage(house, outbox)
    return [
        Mount("/certify/static", StaticFiles(directory=HERE / "static")),
        Route("/certify/{token}", page.look, methods=["GET"]),
        Route("/certify/{token}", page.bind, methods=["POST"]),
        Route("/certify/{token}/pages/{page}", page.picture, methods=["GET"]),
        Route("/certify/{token}/sign", page.sign, methods=["POST"]),
    ]


class SigningPage:
    def __init__(self, house: Equipment, outbox: Outbox) -> None:
        self._house, self._outbox = house, outbox
        self._settings = house.policy.settings  # of the deployment: its address
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined
        )
        self._drawing: set[str] = set()  # accounts: a page for each at a time, so that none keeps the others waiting

    # --- what is asked for ------------------------------------------------------------------------------------------

    async def look(self, request: Request) -> Response:
        async with self._house.database.read() as tx:
            link = await self._link(tx, request)
            if link is None and (used := self._used(request)):
                return self._done(*used)
            if link is None or (link.browser and link.browser != self._browser(request, link)):
                return self._gone(request)
            if link.browser is None:
                return self._page("open.html", link.language)
            try:
                with _readable():
                    return await self._signing_page(tx, link)
            except Refused as refused:
                if refused.status == 404:
                    return self._gone(request)
                return self._page("gone.html", link.language, refused.status, key=refused.key)

    async def bind(self, request: Request) -> Response:
        if not same_origin(request, self._settings.address):
            return self._gone(request)
        cookie = secrets.token_urlsafe(32)
        if not await self._bind(request, self._index(cookie)):
            return self._gone(request)
        token = request.path_params["token"]
        response = RedirectResponse(f"/certify/{token}", 303, _HEADERS)
        self._set_cookie(response, page_links.id_of(self._house.vault, token) or "", cookie)
        return response

    async def picture(self, request: Request) -> Response:
        try:
            async with self._house.database.read() as tx:
                link = await self._bound(tx, request)
                with _readable():
                    person = await people.by_id(tx, self._house.vault, link.person_id)
                    paper = await self._paper(tx, link, person)
            page = request.path_params["page"]
            if not _PAGE.fullmatch(page) or int(page) > len(paper.detail["sheets"]):
                raise Refused(404, "certify.gone")
            account = link.account["id"]
            if account in self._drawing:
                raise Refused(503, "certify.busy")
            self._drawing.add(account)
            try:
                return Response(await self._draw(paper, person, int(page)), media_type="image/jpeg", headers=_HEADERS)
            finally:
                self._drawing.discard(account)
        except Refused as refused:
            return PlainTextResponse("busy" if refused.status == 503 else "not here", refused.status)

    async def sign(self, request: Request) -> Response:
        language = language_of(request)
        try:
            if not same_origin(request, self._settings.address):
                raise Refused(404, "certify.gone")
            async with self._house.database.read() as tx:  # strangers are not listened to
                link = await self._bound(tx, request)
            language = link.language
            signing = _read(await _body(request))
            with _readable():
                written = await self._sign(request, signing)
        except Refused as refused:
            return JSONResponse({"message": self._house.texts(language, refused.key)}, refused.status)
        self._outbox.dispatch(written)
        response = JSONResponse({}, headers=_HEADERS)
        self._set_cookie(response, link.id, page_links.receipt(self._house.vault, link))
        return response

    # --- what is done -----------------------------------------------------------------------------------------------

    @retried
    async def _bind(self, request: Request, browser: str) -> bool:
        async with self._house.database.write() as tx:
            link = await self._link(tx, request)
            return link is not None and await page_links.bind(tx, self._house.vault, link, browser)

    @retried
    async def _sign(self, request: Request, signing: Signing) -> Written:
        """Committed; to be dispatched before anything else is awaited. Raises `Refused`."""
        house, now = self._house, self._house.clock()
        async with house.database.write() as tx:
            link = await self._bound(tx, request, lock=True)
            person = await people.by_id(tx, house.vault, link.person_id)
            paper = await self._paper(tx, link, person, lock=True)
            if paper.version != signing.version:
                raise Refused(409, "certify.changed")
            if any(box.page > len(paper.detail["sheets"]) for box in signing.boxes):
                raise Refused(400, "certify.malformed")
            if signing.strokes is None and not await signatures.kept(tx, person.id, person.key):
                raise Refused(422, "certify.no_signature")
            if not await page_links.consume(tx, link):
                raise Refused(404, "certify.gone")
            if signing.strokes is not None:
                await signatures.save(tx, person.id, person.key, signing.strokes, now)
            entry = jobs.stamp(
                person=person.id,
                campaign=link.about["campaign"],
                slot=link.about["slot"],
                version=paper.version,
                boxes=[asdict(box) for box in signing.boxes],
                account=link.account,
                key=person.key,
                now=now,
            )
            return await self._outbox.insert(tx, [entry])

    async def _draw(self, paper: Paper, person: Person, page: int) -> bytes:
        try:
            pdf = await self._house.files.get(paper.file or "", person.key)
        except Missing:
            raise Refused(409, "certify.changed") from None
        except (Unstored, Tampered) as error:
            log.error("certify_unreadable", file=paper.file, error=type(error).__name__)
            raise Refused(503, "certify.busy") from None
        drawn = await self._house.papers.preview(pdf, page, WIDTH)
        if isinstance(drawn, Picture):
            return drawn.jpeg
        raise Refused(503, "certify.busy") if drawn.reason is Reason.BUSY else Refused(409, "certify.changed")

    # --- whose link it is -------------------------------------------------------------------------------------------

    async def _link(self, tx: Tx, request: Request, *, lock: bool = False) -> Link | None:
        vault, settings = self._house.vault, self._house.policy.settings
        id = page_links.id_of(vault, request.path_params["token"])
        if id is None or not settings.certify_on_phone:
            return None
        return await page_links.find(tx, vault, settings, id, self._house.clock(), purpose=PURPOSE, lock=lock)

    async def _bound(self, tx: Tx, request: Request, *, lock: bool = False) -> Link:
        """Raises `Refused` unless the link is this browser's."""
        link = await self._link(tx, request, lock=lock)
        if link is None or link.browser is None or link.browser != self._browser(request, link):
            raise Refused(404, "certify.gone")
        return link

    def _browser(self, request: Request, link: Link) -> str | None:
        cookie = request.cookies.get(self._cookie(link.id), "")
        return self._index(cookie) if _COOKIE.fullmatch(cookie) else None

    def _index(self, cookie: str) -> str:
        return self._house.vault.index("page_browser", cookie)

    def _used(self, request: Request) -> tuple[str, Language] | None:
        """Channel and language of the chat, where this browser has signed with this link."""
        id = page_links.id_of(self._house.vault, request.path_params["token"])
        return page_links.used(self._house.vault, id, request.cookies.get(self._cookie(id), "")) if id else None

    def _set_cookie(self, response: Response, link_id: str, value: str) -> None:
        response.set_cookie(
            self._cookie(link_id),
            value,
            max_age=page_links.MINUTES * 60,
            path="/",
            secure=self._settings.secure,
            httponly=True,
            samesite="strict",
        )

    def _cookie(self, link_id: str) -> str:
        """One for each link: two papers can be open side by side."""
        return f"{'__Host-' if self._settings.secure else ''}kp7-certify-{link_id[:16]}"

    async def _paper(self, tx: Tx, link: Link, person: Person, *, lock: bool = False) -> Paper:
        """Raises `Refused`: there is nothing (any more) to be signed. `lock`: nobody else changes it meanwhile."""
        owner = Owner(person.id, link.about["campaign"], person.key)
        if (lock and not await alone(tx, owner)) or not await campaigns.is_open(tx, link.about["campaign"]):
            raise Refused(409, "certify.changed")
        paper = await store.paper_of(tx, self._house.vault, owner, link.about["slot"])
        if paper is None and await store.there(tx, owner, link.about["slot"]):
            raise Refused(404, "certify.gone")  # it does not open, and the log has said so
        if paper is None or paper.file is None or paper.state not in CERTIFIABLE:
            raise Refused(409, "certify.changed")
        return paper

    # --- what is answered -------------------------------------------------------------------------------------------

    async def _signing_page(self, tx: Tx, link: Link) -> Response:
        person = await people.by_id(tx, self._house.vault, link.person_id)
        paper = await self._paper(tx, link, person)
        which = self._house.texts.say(link.language, name_of(slot_of(link.about["slot"])))
        data = {
            "paper": paper.id,
            "version": paper.version,
            "sheets": [[width, height] for width, height, *_ in paper.detail["sheets"]],
            "kept": await signatures.kept(tx, person.id, person.key),
            "boxesMost": MAX_BOXES,
            "words": self._house.texts.prefixed(link.language, "certify."),
        }
        embedded = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")  # ends no script
        return self._page(
            "sign.html",
            link.language,
            data=embedded,
            paper=which,
            name=person.full_name,
            card=slot_of(link.about["slot"]).is_card,
            chat=_chat(link.account["channel"]),
        )

    def _done(self, channel: str, language: Language) -> Response:
        return self._page("done.html", language, chat=_chat(channel))

    def _gone(self, request: Request) -> Response:
        if request.method == "GET" and request.headers.get("sec-fetch-site") == "cross-site":
            # a link on another site: the browser holds back its cookie. Coming again from here, it sends it.
            return HTMLResponse('<!doctype html><meta http-equiv="refresh" content="0"><title>KP7</title>')
        return self._page("gone.html", language_of(request), 404, key="certify.gone")

    def _page(self, name: str, language: Language, status: int = 200, /, **more: object) -> Response:
        def say(key: str, **params: object) -> str:
            return self._house.texts(language, key, params)

        html = self._templates.get_template(name).render(language=language, say=say, **more)
        return HTMLResponse(html, status, _HEADERS)


@contextmanager
def _readable() -> Iterator[None]:
    """Where a row does not open, the link leads nowhere, and only the log knows why."""
    try:
        yield
    except Tampered as error:
        log.error("certify_unreadable", table=str(error))
        raise Refused(404, "certify.gone") from None


def _chat(channel: str) -> str:
    """Where the chat is, if it is a page of ours."""
    return "/chat" if channel == "web" else ""


async def _body(request: Request) -> bytes:
    try:
        return await body(request, BODY_LIMIT)
    except TooLarge:
        raise Refused(413, "certify.too_much") from None
    except Busy:
        raise Refused(503, "certify.busy") from None


def _read(raw: bytes) -> Signing:
    """Raises `Refused`."""
    try:
        match parse(raw):
            case {"version": version, "strokes": strokes, "boxes": list(boxes)} if type(version) is int:
                if len(boxes) > MAX_BOXES:
                    raise Refused(422, "certify.too_much")
                signing = Signing(version, _strokes(strokes), tuple(map(_box, boxes)))
            case _:
                raise Refused(400, "certify.malformed")
    except (Malformed, ValueError):
        raise Refused(400, "certify.malformed") from None
    return signing


def _strokes(given: object) -> tuple[Stroke, ...] | None:
    if given is None:
        return None
    strokes = signatures.read(given)
    if not strokes:
        raise Refused(422, "certify.no_signature")
    if signatures.ink(strokes) < signatures.INK_LEAST:
        raise Refused(422, "certify.little_ink")
    return strokes


def _box(given: object) -> Box:
    """Raises `ValueError`."""
    if not isinstance(given, Mapping) or given.keys() != {"page", "left", "top", "width", "height"}:
        raise ValueError("no box")
    page, *sides = (given[name] for name in ("page", "left", "top", "width", "height"))
    if type(page) is not int or page < 1 or not all(type(side) in (int, float) for side in sides):
        raise ValueError("no box")
    left, top, width, height = sides
    box = Box(page, left, top, min(width, 1 - left), min(height, 1 - top))
    if box.width <= 0 or box.height <= 0:
        raise ValueError("a box without anything in it")
    return box
