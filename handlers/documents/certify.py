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

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot import page_links
from bot.http import Busy, Refused, TooLarge, body, language_of, same_origin
from bot.linked_page import LinkedPage, chat_of
from bot.outbox import Outbox, Written
from bot.page_links import Link
from bot.pages import HEADERS, Pages
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
STYLES = ("/static/cards.css", "/certify/static/certify.css")
CERTIFIABLE = frozenset({"taken", "received", "returned"})


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
        self._pages = Pages(house.texts, HERE / "templates", "certify", STYLES)
        self._page = LinkedPage(house, self._pages, PURPOSE, "certify", allowed=self._allowed, done="done.html")
        self._drawing: set[str] = set()  # accounts: a page for each at a time, so that none keeps the others waiting

    # --- what is asked for ------------------------------------------------------------------------------------------

    async def look(self, request: Request) -> Response:
        async with self._house.database.read() as tx:
            link = await self._page.met(tx, request)
            if isinstance(link, Response):
                return link
            try:
                with _readable():
                    return await self._signing_page(tx, link)
            except Refused as refused:
                if refused.status == 404:
                    return self._pages.gone(request)
                return self._pages.sentence(refused, link.language)

    async def bind(self, request: Request) -> Response:
        return await self._page.bind(request)

    async def picture(self, request: Request) -> Response:
        try:
            async with self._house.database.read() as tx:
                link = await self._page.bound(tx, request)
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
                return Response(await self._draw(paper, person, int(page)), media_type="image/jpeg", headers=HEADERS)
            finally:
                self._drawing.discard(account)
        except Refused as refused:
            return refused.shortly()

    async def sign(self, request: Request) -> Response:
        language = language_of(request)
        try:
            if not same_origin(request, self._house.policy.settings.address):
                raise Refused(404, "certify.gone")
            async with self._house.database.read() as tx:  # strangers are not listened to
                link = await self._page.bound(tx, request)
            language = link.language
            signing = _read(await _body(request))
            with _readable():
                written = await self._sign(request, signing)
        except Refused as refused:
            return JSONResponse({"message": self._house.texts(language, refused.key)}, refused.status)
        self._outbox.dispatch(written)
        response = JSONResponse({}, headers=HEADERS)
        self._page.give_receipt(response, link)
        return response

    # --- what is done -----------------------------------------------------------------------------------------------

    @retried
    async def _sign(self, request: Request, signing: Signing) -> Written:
        """Committed; to be dispatched before anything else is awaited. Raises `Refused`."""
        house, now = self._house, self._house.clock()
        async with house.database.write() as tx:
            link = await self._page.bound(tx, request, lock=True)
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
            pdf = partial(self._house.files.get, paper.file or "", person.key)
            drawn = await self._house.papers.preview(pdf, page, WIDTH)
        except Missing:
            raise Refused(409, "certify.changed") from None
        except (Unstored, Tampered) as error:
            log.error("certify_unreadable", file=paper.file, error=type(error).__name__)
            raise Refused(503, "certify.busy") from None
        if isinstance(drawn, Picture):
            return drawn.jpeg
        raise Refused(503, "certify.busy") if drawn.reason is Reason.BUSY else Refused(409, "certify.changed")

    # --- what it is about -------------------------------------------------------------------------------------------

    async def _allowed(self, _tx: Tx, _link: Link) -> bool:
        return self._house.policy.settings.certify_on_phone

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
        }
        return self._pages.page(
            "sign.html",
            link.language,
            words=["certify."],
            data=data,
            paper=which,
            name=person.full_name,
            card=slot_of(link.about["slot"]).is_card,
            chat=chat_of(link.account["channel"]),
        )


@contextmanager
def _readable() -> Iterator[None]:
    """Where a row does not open, the link leads nowhere, and only the log knows why."""
    try:
        yield
    except Tampered as error:
        log.error("certify_unreadable", table=str(error))
        raise Refused(404, "certify.gone") from None


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
