"""The page on which an officer looks at one paper that waits, opened from the chat.

GET  /paper/<token>            a button; for the browser that pressed it, the page
POST /paper/<token>            the button: from now on the link is that browser's (`bot/page_links.py`)
GET  /paper/<token>/pages/<n>  page n, a JPEG
GET  /paper/<token>/original   the PDF, as an attachment

A link is for one officer, one version of one paper, and `MINUTES`. With every request the proof of the second factor,
the officer's roles and the paper among what waits for them are looked for anew: a verdict, a new version, a lost role
and a logout close the page, which then says one sentence, whatever the reason. Who comes to see anything at all is
written down: when the link becomes a browser's, and when the original leaves.
"""

import re
import secrets
from dataclasses import dataclass
from pathlib import Path

import jinja2
import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot import page_links
from bot.events import Invalid, Language
from bot.http import language_of, same_origin
from bot.page_links import Link
from bot.papers.shapes import Picture, Reason
from bot.times import local_date
from bot.topic import Equipment
from handlers.documents.rules import slot_of
from handlers.organisation import authority, proofs
from handlers.review import queue
from handlers.review.describing import Description, describe
from handlers.review.previews import file_of
from handlers.review.queue import Item
from handlers.review.turns import Turns
from storage import audit
from storage.database import Tx, retried
from storage.objects import Missing, Unstored
from storage.vault import Key, Tampered

log = structlog.get_logger()

PREFIX, PURPOSE = "/paper", "paper"
MINUTES = 5
WIDTH = 1_400  # pixels of a page: small print can be read
HERE = Path(__file__).parent
_PAGE = re.compile(r"[1-9][0-9]{0,2}")
_COOKIE = re.compile(r"[0-9A-Za-z_-]{43}")
_HEADERS = {"referrer-policy": "same-origin", "cache-control": "private, no-store"}
_SEALED_OFF = {
    **_HEADERS,
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
}


class Refused(Exception):
    """Not here, or (`busy`) not just now."""

    def __init__(self, *, busy: bool = False) -> None:
        super().__init__()
        self.busy = busy


@dataclass(frozen=True)
class Opened:
    """What a link leads to, at this moment."""

    link: Link
    item: Item
    found: Description
    file: str
    key: Key

    @property
    def by(self) -> str:
        return f"{self.link.account['channel']}:{self.link.person_id}"


def routes(house: Equipment) -> list[BaseRoute]:
    page = PaperPage(house)
    return [
        Mount(f"{PREFIX}/static", StaticFiles(directory=HERE / "static")),
        Route(f"{PREFIX}/{{token}}", page.look, methods=["GET"]),
        Route(f"{PREFIX}/{{token}}", page.bind, methods=["POST"]),
        Route(f"{PREFIX}/{{token}}/pages/{{page}}", page.picture, methods=["GET"]),
        Route(f"{PREFIX}/{{token}}/original", page.original, methods=["GET"]),
    ]


class PaperPage:
    def __init__(self, house: Equipment) -> None:
        self._house = house
        self._settings = house.policy.settings  # of the deployment: its address
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined
        )
        self._turns = Turns()

    # --- what is asked for ------------------------------------------------------------------------------------------

    async def look(self, request: Request) -> Response:
        try:
            async with self._house.database.write() as tx:  # looking keeps the officer's proof alive
                opened = await self._opened(tx, request)
        except Refused:
            return self._gone(request)
        if opened.link.browser is None:
            return self._page("paper_open.html", opened.link.language)
        if opened.link.browser != self._browser(request, opened.link):
            return self._gone(request)
        return self._paper_page(request, opened)

    async def bind(self, request: Request) -> Response:
        if not same_origin(request, self._settings.address):
            return self._gone(request)
        cookie = secrets.token_urlsafe(32)
        try:
            link = await self._bind(request, self._index(cookie))
        except Refused:
            return self._gone(request)
        response = RedirectResponse(f"{PREFIX}/{request.path_params['token']}", 303, _HEADERS)
        response.set_cookie(
            self._cookie(link),
            cookie,
            max_age=MINUTES * 60,
            path="/",
            secure=self._settings.secure,
            httponly=True,
            samesite="strict",
        )
        return response

    async def picture(self, request: Request) -> Response:
        try:
            opened = await self._bound(request)
            number = request.path_params["page"]
            if not _PAGE.fullmatch(number) or opened.found.paper is None or int(number) > opened.found.paper.pages:
                raise Refused
            return Response(await self._draw(opened, int(number)), media_type="image/jpeg", headers=_SEALED_OFF)
        except Refused as refused:
            return _plain(refused)

    async def original(self, request: Request) -> Response:
        try:
            opened = await self._taken(request)
            pdf = await self._pdf(opened)
        except Refused as refused:
            return _plain(refused)
        slot = slot_of(opened.item.slot)
        name = f"{slot.number}-{slot.kind}.pdf"  # of ours: nothing that anybody wrote
        headers = {**_SEALED_OFF, "content-disposition": f'attachment; filename="{name}"'}
        return Response(pdf, media_type="application/pdf", headers=headers)

    # --- what is done -----------------------------------------------------------------------------------------------

    @retried
    async def _bind(self, request: Request, browser: str) -> Link:
        async with self._house.database.write() as tx:
            opened = await self._opened(tx, request)
            if not await page_links.bind(tx, self._house.vault, opened.link, browser):
                raise Refused
            await self._write_down(tx, "paper.seen", opened)
            return opened.link

    @retried
    async def _bound(self, request: Request) -> Opened:
        """Raises `Refused` unless the link is this browser's."""
        async with self._house.database.write() as tx:
            return await self._this_browsers(tx, request)

    @retried
    async def _taken(self, request: Request) -> Opened:
        async with self._house.database.write() as tx:
            opened = await self._this_browsers(tx, request)
            await self._write_down(tx, "paper.downloaded", opened)
            return opened

    async def _write_down(self, tx: Tx, action: str, opened: Opened) -> None:
        item = opened.item
        detail = {"item": item.id, "kind": item.kind, "version": item.version, "level": item.level}
        line = audit.Line(opened.by, action, item.owner, detail)
        await audit.append(tx, self._house.vault, self._house.clock(), [line])

    async def _draw(self, opened: Opened, page: int) -> bytes:
        async with self._turns.of(opened.link.person_id) as free:
            if not free:
                raise Refused(busy=True)
            drawn = await self._house.papers.preview(await self._pdf(opened), page, WIDTH)
        if isinstance(drawn, Picture):
            return drawn.jpeg
        raise Refused(busy=drawn.reason is Reason.BUSY)

    async def _pdf(self, opened: Opened) -> bytes:
        try:
            return await self._house.files.get(opened.file, opened.key)
        except Missing:  # dropped at this moment
            raise Refused from None
        except (Unstored, Tampered) as error:
            log.error("paper_unreadable", file=opened.file, error=type(error).__name__)
            raise Refused(busy=True) from None

    # --- whose link it is -------------------------------------------------------------------------------------------

    async def _opened(self, tx: Tx, request: Request) -> Opened:
        """Raises `Refused` unless the link lives, and its paper waits for this officer just now, as it was seen."""
        house, now = self._house, self._house.clock()
        vault, settings = house.vault, house.policy.settings
        id = page_links.id_of(vault, request.path_params["token"])
        link = await page_links.find(tx, vault, settings, id, now, purpose=PURPOSE) if id else None
        if link is None:
            raise Refused
        proof = await proofs.proved(tx, vault, settings, link.account["id"], now)
        if proof is None or proof.person_id != link.person_id:
            raise Refused
        officer = await authority.officer(tx, vault, link.person_id, local_date(now, settings.timezone))
        item = await queue.find(tx, officer, link.about["paper"]) if officer else None
        if officer is None or item is None or item.seen != link.about["seen"] or item.kind not in queue.PAPERS:
            raise Refused
        file = await file_of(tx, vault, item)
        if file is None:
            raise Refused
        try:
            return Opened(link, item, await describe(tx, vault, settings, officer, item), *file)
        except Invalid:
            raise Refused from None

    async def _this_browsers(self, tx: Tx, request: Request) -> Opened:
        opened = await self._opened(tx, request)
        if opened.link.browser is None or opened.link.browser != self._browser(request, opened.link):
            raise Refused
        return opened

    def _browser(self, request: Request, link: Link) -> str | None:
        cookie = request.cookies.get(self._cookie(link), "")
        return self._index(cookie) if _COOKIE.fullmatch(cookie) else None

    def _index(self, cookie: str) -> str:
        return self._house.vault.index("page_browser", cookie)

    def _cookie(self, link: Link) -> str:
        """One for each link: two papers can be open side by side."""
        return f"{'__Host-' if self._settings.secure else ''}kp7-paper-{link.id[:16]}"

    # --- what is answered -------------------------------------------------------------------------------------------

    def _paper_page(self, request: Request, opened: Opened) -> Response:
        texts, language, found = self._house.texts, opened.link.language, opened.found
        return self._page(
            "paper.html",
            language,
            here=f"{PREFIX}/{request.path_params['token']}",
            heading=texts.say(language, found.title),
            lines=[texts.say(language, line) for line in found.lines],
            pages=found.paper.pages if found.paper else 0,
        )

    def _gone(self, request: Request) -> Response:
        if request.method == "GET" and request.headers.get("sec-fetch-site") == "cross-site":
            # a link on another site: the browser holds back its cookie. Coming again from here, it sends it.
            return HTMLResponse('<!doctype html><meta http-equiv="refresh" content="0"><title>KP7</title>')
        return self._page("paper_gone.html", language_of(request), 404)

    def _page(self, name: str, language: Language, status: int = 200, /, **more: object) -> Response:
        def say(key: str, **params: object) -> str:
            return self._house.texts(language, key, params)

        html = self._templates.get_template(name).render(language=language, say=say, **more)
        return HTMLResponse(html, status, _HEADERS)


def _plain(refused: Refused) -> Response:
    return PlainTextResponse("busy", 503) if refused.busy else PlainTextResponse("not here", 404)
