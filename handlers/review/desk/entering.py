"""From the chat to the desk: a link for one browser, then six digits, then a seat.

GET  /console/enter/<token>       a button; for the browser that pressed it, a field for the six digits
POST /console/enter/<token>       the button: from now on the link is that browser's (`bot/page_links.py`)
POST /console/enter/<token>/code  JSON {"code"}: the second factor; the cookie is new, whatever the browser had before
POST /console/proof               JSON {"code"}: once more, for what leaves the house (SES2)
POST /console/leave               the seat is given up
POST /console/language/<th|en>    what is said here, from now on

Whoever has no live link, another browser's, or a role no more, gets one page, the same for every reason.
"""

import re
import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from bot import page_links, thai
from bot.events import LANGUAGES, Invalid
from bot.page_links import Link
from bot.times import local_date
from bot.topic import Equipment
from handlers.organisation import authority, factors, proofs
from handlers.review.desk.frames import Frames
from handlers.review.desk.seats import Seats
from handlers.review.desk.strict import Refused, from_here, is_json, read
from storage import audit, people
from storage.database import Tx, retried

PREFIX = "/console/enter"
PURPOSE = "desk"
MINUTES = 10
_COOKIE = re.compile(r"[0-9A-Za-z_-]{43}")


class Entrance:
    def __init__(self, house: Equipment, seats: Seats, frames: Frames) -> None:
        self._house, self._seats, self._frames = house, seats, frames

    async def look(self, request: Request) -> Response:
        async with self._house.database.read() as tx:
            link = await self._link(tx, request)
        if link is None or (link.browser and link.browser != self._browser(request, link)):
            return self._frames.closed(request)
        if link.browser is None:
            return self._frames.page("enter.html", link.language)
        return self._frames.page("code.html", link.language, words=["desk.unsent", "desk.sending", "desk.enter_code"])

    async def bind(self, request: Request) -> Response:
        from_here(request, self._house.policy.settings.address)
        cookie = secrets.token_urlsafe(32)
        link = await self._bind(request, self._index(cookie))
        if link is None:
            return self._frames.closed(request)
        response = RedirectResponse(request.url.path, 303, self._frames.headers)
        self._set_cookie(response, link, cookie, MINUTES * 60)
        return response

    async def code(self, request: Request) -> Response:
        from_here(request, self._house.policy.settings.address)
        is_json(request)
        async with self._house.database.read() as tx:  # strangers are not listened to
            await self._bound(tx, request)
        said = await read(request, "code")
        cookie, id = self._seats.new()
        link, wrong = await self._enter(request, said["code"], id)
        if wrong:
            raise Refused(422, f"error.{wrong.code}", **wrong.params)
        response = JSONResponse({"path": "/console"})
        self._set_cookie(response, link, "", 0)
        self._seats.set_cookie(response, cookie)
        self._seats.set_language(response, link.language)
        return response

    async def proof(self, request: Request) -> Response:
        async with self._house.database.read() as tx:
            if await self._seats.of(tx, request, using=False) is None:
                raise Refused(401, "desk.closed")
        from_here(request, self._house.policy.settings.address)
        is_json(request)
        said = await read(request, "code")
        wrong = await self._prove_again(request, said["code"])
        if wrong:
            raise Refused(422, f"error.{wrong.code}", **wrong.params)
        return JSONResponse({})

    async def leave(self, request: Request) -> Response:
        from_here(request, self._house.policy.settings.address)
        await self._leave(request)
        response = RedirectResponse("/console", 303, self._frames.headers)
        self._seats.clear_cookie(response)
        return response

    async def language(self, request: Request) -> Response:
        from_here(request, self._house.policy.settings.address)
        wanted = next((each for each in LANGUAGES if each == request.path_params["language"]), "th")
        response = RedirectResponse("/console", 303, self._frames.headers)
        self._seats.set_language(response, "en" if wanted == "en" else "th")
        return response

    # --- what is done -----------------------------------------------------------------------------------------------

    @retried
    async def _bind(self, request: Request, browser: str) -> Link | None:
        async with self._house.database.write() as tx:
            link = await self._link(tx, request)
            return link if link and await page_links.bind(tx, self._house.vault, link, browser) else None

    @retried
    async def _enter(self, request: Request, code: str, id: str) -> tuple[Link, Invalid | None]:
        """A wrong code is counted: that is committed, too."""
        house, now = self._house, self._house.clock()
        async with house.database.write() as tx:
            link = await self._bound(tx, request, lock=True)
            if wrong := await self._wrong(tx, link.person_id, code):
                return link, wrong
            if not await page_links.consume(tx, link):
                raise Refused(401, "desk.closed")
            await self._prove(tx, id, link.person_id, link.account["id"], now)
            if old := self._seats.id_of(request):
                await proofs.end(tx, old)
            line = audit.Line(f"desk:{link.person_id}", "desk.entered", link.person_id)
            await audit.append(tx, house.vault, now, [line])
            return link, None

    @retried
    async def _prove_again(self, request: Request, code: str) -> Invalid | None:
        now = self._house.clock()
        async with self._house.database.write() as tx:
            seat = await self._seats.of(tx, request)
            if seat is None:
                raise Refused(401, "desk.closed")
            if wrong := await self._wrong(tx, seat.person.id, code):
                return wrong
            await self._prove(tx, seat.id, seat.person.id, seat.proof.account_id, now)
            return None

    async def _prove(self, tx: Tx, id: str, person: str, account: str, now: int) -> None:
        house = self._house
        row = await tx.one("SELECT session FROM accounts WHERE id = :id", {"id": account})
        if row is None or row["session"] is None:
            raise Refused(401, "desk.closed")
        await proofs.prove(tx, house.vault, house.policy.settings, id, person, account, row["session"], now)

    async def _wrong(self, tx: Tx, person_id: str, code: str) -> Invalid | None:
        house = self._house
        person = await people.by_id(tx, house.vault, person_id)
        settings = house.policy.settings
        try:
            digits = thai.otp(code, factors.DIGITS)
            await factors.check(tx, house.vault, settings, person_id, person.key, digits, house.clock())
        except Invalid as wrong:
            return wrong
        return None

    @retried
    async def _leave(self, request: Request) -> None:
        house = self._house
        async with house.database.write() as tx:
            seat = await self._seats.of(tx, request)
            if id := self._seats.id_of(request):
                await proofs.end(tx, id)
            if seat:
                await audit.append(tx, house.vault, house.clock(), [audit.Line(seat.by, "desk.left", seat.person.id)])

    # --- whose link it is -------------------------------------------------------------------------------------------

    async def _link(self, tx: Tx, request: Request, *, lock: bool = False) -> Link | None:
        """Of somebody who holds a role just now."""
        house, settings = self._house, self._house.policy.settings
        id = page_links.id_of(house.vault, request.path_params["token"])
        if id is None:
            return None
        now = house.clock()
        link = await page_links.find(tx, house.vault, settings, id, now, purpose=PURPOSE, lock=lock)
        if link is None or not await authority.officer(
            tx, house.vault, link.person_id, local_date(now, settings.timezone)
        ):
            return None
        return link

    async def _bound(self, tx: Tx, request: Request, *, lock: bool = False) -> Link:
        link = await self._link(tx, request, lock=lock)
        if link is None or link.browser is None or link.browser != self._browser(request, link):
            raise Refused(401, "desk.closed")
        return link

    def _browser(self, request: Request, link: Link) -> str | None:
        cookie = request.cookies.get(self._cookie(link), "")
        return self._index(cookie) if _COOKIE.fullmatch(cookie) else None

    def _index(self, cookie: str) -> str:
        return self._house.vault.index("page_browser", cookie)

    def _set_cookie(self, response: Response, link: Link, value: str, seconds: int) -> None:
        response.set_cookie(
            self._cookie(link),
            value,
            max_age=seconds,
            path="/",
            secure=self._house.policy.settings.secure,
            httponly=True,
            samesite="strict",
        )

    def _cookie(self, link: Link) -> str:
        return f"{'__Host-' if self._house.policy.settings.secure else ''}kp7-enter-{link.id[:16]}"
