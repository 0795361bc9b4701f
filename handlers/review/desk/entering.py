"""From the chat to the desk: a link for one browser, then six digits, then a seat.

GET  /console/enter/<token>       a button; for the browser that pressed it, a field for the six digits
POST /console/enter/<token>       the button: from now on the link is that browser's (`bot/page_links.py`)
POST /console/enter/<token>/code  JSON {"code"}: the second factor; the cookie is new, whatever the browser had before
POST /console/proof               JSON {"code"}: once more, for what leaves the house (SES2)
POST /console/leave               the seat is given up
POST /console/language/<th|en>    what is said here, from now on

Whoever has no live link, another browser's, or a role no more, gets one page, the same for every reason.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from bot import page_links
from bot.events import LANGUAGES, Invalid
from bot.http import Refused
from bot.linked_page import LinkedPage
from bot.page_links import Link
from bot.pages import HEADERS, Pages
from bot.times import local_date
from bot.topic import Equipment
from handlers.organisation import authority, proofs
from handlers.review.desk.seats import Seats
from handlers.review.desk.strict import from_here, is_json, read
from storage import audit, people
from storage.database import Tx, retried

PREFIX = "/console/enter"
PURPOSE = "desk"
MINUTES = 10


class Entrance:
    def __init__(self, house: Equipment, seats: Seats, pages: Pages) -> None:
        self._house, self._seats, self._pages = house, seats, pages
        self._page = LinkedPage(house, pages, PURPOSE, "enter", minutes=MINUTES, allowed=self._allowed)

    async def look(self, request: Request) -> Response:
        async with self._house.database.read() as tx:
            link = await self._page.met(tx, request)
        if isinstance(link, Response):
            return link
        return self._pages.page("code.html", link.language, words=["desk.unsent", "desk.sending", "desk.enter_code"])

    async def bind(self, request: Request) -> Response:
        return await self._page.bind(request)

    async def code(self, request: Request) -> Response:
        from_here(request, self._house.policy.settings.address)
        is_json(request)
        async with self._house.database.read() as tx:  # strangers are not listened to
            await self._page.bound(tx, request)
        said = await read(request, "code")
        cookie, id = self._seats.new()
        link, wrong = await self._enter(request, said["code"], id)
        if wrong:
            raise Refused(422, f"error.{wrong.code}", **wrong.params)
        response = JSONResponse({"path": "/console"})
        self._page.take_cookie(response, link)
        self._seats.set_cookie(response, cookie)
        self._seats.set_language(response, link.language)
        return response

    async def proof(self, request: Request) -> Response:
        async with self._house.database.read() as tx:
            if await self._seats.of(tx, request, using=False) is None:
                raise self._pages.refused()
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
        response = RedirectResponse("/console", 303, HEADERS)
        self._seats.clear_cookie(response)
        return response

    async def language(self, request: Request) -> Response:
        from_here(request, self._house.policy.settings.address)
        wanted = next((each for each in LANGUAGES if each == request.path_params["language"]), "th")
        response = RedirectResponse("/console", 303, HEADERS)
        self._seats.set_language(response, "en" if wanted == "en" else "th")
        return response

    # --- what is done -----------------------------------------------------------------------------------------------

    @retried
    async def _enter(self, request: Request, code: str, id: str) -> tuple[Link, Invalid | None]:
        """A wrong code is counted: that is committed, too."""
        house, now = self._house, self._house.clock()
        async with house.database.write() as tx:
            link = await self._page.bound(tx, request, lock=True)
            person, account = await people.by_id(tx, house.vault, link.person_id), link.account["id"]
            settings = house.policy.settings
            if wrong := await proofs.give(tx, house.vault, settings, id, person, account, code, now):
                return link, wrong
            if not await page_links.consume(tx, link):
                raise self._pages.refused()
            if old := self._seats.id_of(request):
                await proofs.end(tx, old)
            line = audit.Line(f"desk:{link.person_id}", "desk.entered", link.person_id)
            await audit.append(tx, house.vault, now, [line])
            return link, None

    @retried
    async def _prove_again(self, request: Request, code: str) -> Invalid | None:
        house, now = self._house, self._house.clock()
        async with house.database.write() as tx:
            seat = await self._seats.of(tx, request)
            if seat is None:
                raise self._pages.refused()
            account, settings = seat.proof.account_id, house.policy.settings
            return await proofs.give(tx, house.vault, settings, seat.id, seat.person, account, code, now)

    @retried
    async def _leave(self, request: Request) -> None:
        house = self._house
        async with house.database.write() as tx:
            seat = await self._seats.of(tx, request)
            if id := self._seats.id_of(request):
                await proofs.end(tx, id)
            if seat:
                line = audit.Line(seat.by, proofs.LEFT, seat.person.id, proofs.seat(seat.id))
                await audit.append(tx, house.vault, house.clock(), [line])

    async def _allowed(self, tx: Tx, link: Link) -> bool:
        """Somebody who holds a role just now."""
        house = self._house
        today = local_date(house.clock(), house.policy.settings.timezone)
        return await authority.officer(tx, house.vault, link.person_id, today) is not None
