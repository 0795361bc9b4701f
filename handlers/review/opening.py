"""The page on which an officer looks at one paper that waits, opened from the chat.

GET  /paper/<token>            a button; for the browser that pressed it, the page
POST /paper/<token>            the button: from now on the link is that browser's (`bot/page_links.py`)
GET  /paper/<token>/pages/<n>  page n, a JPEG
GET  /paper/<token>/original   the PDF, as an attachment; the page again where the second factor was not shown lately
POST /paper/<token>/original   a form's `code`: the six digits once more (SES2), and on to the PDF

A link is for one officer, one version of one paper, and `MINUTES`. With every request the proof of the second factor,
the officer's roles and the paper among what waits for them are looked for anew: a verdict, a new version, a lost role
and a logout close the page, which then says one sentence, whatever the reason. Who comes to see anything at all is
written down: when the link becomes a browser's, and when the original leaves.
"""

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot.events import Invalid
from bot.http import Busy, Refused, TooLarge, body, same_origin
from bot.linked_page import LinkedPage
from bot.page_links import Link
from bot.pages import HEADERS, Pages
from bot.papers.shapes import Picture, Reason
from bot.times import local_date
from bot.topic import Equipment
from handlers.organisation import authority, proofs
from handlers.organisation.proofs import Proof
from handlers.review import queue
from handlers.review.describing import Description, Paper, describe
from handlers.review.originals import Originals
from handlers.review.queue import Item
from handlers.review.turns import Turns
from storage import audit, people
from storage.database import Tx, retried
from storage.vault import Key

PREFIX, PURPOSE = "/paper", "paper"
MINUTES = 5
BODY_LIMIT = 1_024
WIDTH = 1_400  # pixels of a page: small print can be read
HERE = Path(__file__).parent
_PAGE = re.compile(r"[1-9][0-9]{0,2}")
_SEALED_OFF = {
    **HEADERS,
    "cache-control": "private, no-store",
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True)
class Opened:
    """What a link leads to, at this moment."""

    link: Link
    proof: Proof
    item: Item
    found: Description
    paper: Paper
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
        Route(f"{PREFIX}/{{token}}/original", page.prove, methods=["POST"]),
    ]


class PaperPage:
    def __init__(self, house: Equipment) -> None:
        self._house = house
        self._pages = Pages(house.texts, HERE / "templates", "paperpage", ["/paper/static/paper.css"])
        self._page = LinkedPage(house, self._pages, PURPOSE, "paper", minutes=MINUTES)
        self._originals = Originals(house.files, house.vault)
        self._turns = Turns()

    # --- what is asked for ------------------------------------------------------------------------------------------

    async def look(self, request: Request) -> Response:
        try:
            async with self._house.database.write() as tx:  # looking keeps the officer's proof alive
                opened = await self._opened(tx, request, await self._page.find(tx, request))
        except Refused:
            return self._pages.gone(request)
        return self._page.strange(request, opened.link) or self._paper_page(request, opened)

    async def bind(self, request: Request) -> Response:
        async def seen(tx: Tx, link: Link) -> None:
            await self._write_down(tx, "paper.seen", await self._opened(tx, request, link))

        return await self._page.bind(request, seen)

    async def picture(self, request: Request) -> Response:
        try:
            opened = await self._bound(request)
            number = request.path_params["page"]
            if not _PAGE.fullmatch(number) or int(number) > opened.paper.pages:
                raise self._pages.refused()
            return Response(await self._draw(opened, int(number)), media_type="image/jpeg", headers=_SEALED_OFF)
        except Refused as refused:
            return refused.shortly()

    async def original(self, request: Request) -> Response:
        try:
            opened, fresh = await self._taken(request)
            if not fresh:
                return self._paper_page(request, opened, 403)
            return await self._originals.attachment(opened.paper, opened.key, _SEALED_OFF)
        except Refused as refused:
            return refused.shortly()

    async def prove(self, request: Request) -> Response:
        """The digits; then the original comes, as it was asked for."""
        if not same_origin(request, self._house.policy.settings.address):
            return self._pages.gone(request)
        try:
            await self._bound(request)  # strangers are not listened to
            opened, wrong = await self._prove(request, await _code(request))
        except Refused as refused:
            return refused.shortly()
        if wrong:
            return self._paper_page(request, opened, 422, wrong)
        return RedirectResponse(request.url.path, 303, HEADERS)

    # --- what is done -----------------------------------------------------------------------------------------------

    @retried
    async def _bound(self, request: Request) -> Opened:
        """Raises `Refused` unless the link is this browser's."""
        async with self._house.database.write() as tx:
            return await self._opened(tx, request, await self._page.bound(tx, request))

    @retried
    async def _taken(self, request: Request) -> tuple[Opened, bool]:
        """The original goes out, and that is written down, if the digits are fresh."""
        async with self._house.database.write() as tx:
            opened = await self._opened(tx, request, await self._page.bound(tx, request))
            fresh = self._fresh(opened)
            if fresh:
                await self._write_down(tx, "paper.downloaded", opened)
            return opened, fresh

    def _fresh(self, opened: Opened) -> bool:
        return proofs.fresh(opened.proof, self._house.clock(), self._house.policy.settings.step_up_minutes)

    @retried
    async def _prove(self, request: Request, code: str) -> tuple[Opened, Invalid | None]:
        """A wrong code is counted: that is committed, too."""
        house, now = self._house, self._house.clock()
        async with house.database.write() as tx:
            link = await self._page.bound(tx, request, lock=True)
            opened = await self._opened(tx, request, link)
            person, account = await people.by_id(tx, house.vault, link.person_id), link.account["id"]
            settings = house.policy.settings
            return opened, await proofs.give(tx, house.vault, settings, account, person, account, code, now)

    async def _write_down(self, tx: Tx, action: str, opened: Opened) -> None:
        item = opened.item
        detail = {"item": item.id, "kind": item.kind, "version": item.version, "level": item.level}
        line = audit.Line(opened.by, action, item.owner, detail)
        await audit.append(tx, self._house.vault, self._house.clock(), [line])

    async def _draw(self, opened: Opened, page: int) -> bytes:
        async with self._turns.of(opened.link.person_id) as free:
            if not free:
                raise Refused(503)
            pdf = partial(self._originals.whole, opened.paper, opened.key)
            drawn = await self._house.papers.preview(pdf, page, WIDTH)
        if isinstance(drawn, Picture):
            return drawn.jpeg
        raise Refused(503) if drawn.reason is Reason.BUSY else self._pages.refused()

    # --- what it leads to -------------------------------------------------------------------------------------------

    async def _opened(self, tx: Tx, request: Request, link: Link | None) -> Opened:
        """Raises `Refused` unless its paper waits for this officer just now, as it was seen. Only a browser that the
        link is bound to uses the proof: strangers keep nobody's alive."""
        house, now = self._house, self._house.clock()
        vault, settings = house.vault, house.policy.settings
        if link is None:
            raise self._pages.refused()
        account = link.account["id"]
        if self._page.theirs(request, link):
            proof = await proofs.proved(tx, vault, settings, account, now)
        else:
            proof = (await proofs.find(tx, vault, settings, [account], now)).get(account)
        if proof is None or proof.person_id != link.person_id:
            raise self._pages.refused()
        officer = await authority.officer(tx, vault, link.person_id, local_date(now, settings.timezone))
        item = await queue.find(tx, vault, officer, link.about["paper"]) if officer else None
        if officer is None or item is None or item.seen != link.about["seen"] or item.kind not in queue.PAPERS:
            raise self._pages.refused()
        try:
            found = await describe(tx, vault, settings, officer, item)
        except Invalid:
            raise self._pages.refused() from None
        if found.paper is None or not found.paper.file:
            raise self._pages.refused()
        key = (await people.by_id(tx, vault, item.owner)).key
        return Opened(link, proof, item, found, found.paper, key)

    # --- what is answered -------------------------------------------------------------------------------------------

    def _paper_page(
        self, request: Request, opened: Opened, status: int = 200, wrong: Invalid | None = None
    ) -> Response:
        texts, language, found = self._house.texts, opened.link.language, opened.found
        return self._pages.page(
            "paper.html",
            language,
            status,
            fresh=self._fresh(opened),
            wrong=texts(language, f"error.{wrong.code}", wrong.params) if wrong else "",
            here=f"{PREFIX}/{request.path_params['token']}",
            heading=texts.say(language, found.title),
            lines=[texts.say(language, line) for line in found.lines],
            pages=opened.paper.pages,
        )


async def _code(request: Request) -> str:
    """Raises `Refused`."""
    try:
        said = parse_qs((await body(request, BODY_LIMIT)).decode(), max_num_fields=1)
    except Busy:
        raise Refused(503) from None
    except (TooLarge, ValueError):
        return ""
    return said.get("code", [""])[0]
