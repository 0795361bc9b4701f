"""The page on which an officer sets up the second factor, opened from the chat.

GET  /officer/<token>          a button; for the browser that pressed it, a new secret, as a picture and in letters:
                               it is shown this once, and opening the page again makes another one
POST /officer/<token>          the button: from now on the link is that browser's (`bot/page_links.py`)
POST /officer/<token>/confirm  JSON {"code"}: the first code of the secret makes it the officer's second factor

Whoever has no live link, another browser, a factor already, or a role no more, gets one sentence, the same for every
reason; only the browser that has confirmed is told, when it comes again, that this is done.
"""

import re
from pathlib import Path

import pyotp
import segno
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot import page_links, thai
from bot.events import Invalid, Language
from bot.http import Busy, Refused, TooLarge, body, language_of, same_origin
from bot.linked_page import LinkedPage, chat_of
from bot.outbox import Entry, Outbox, Written
from bot.page_links import Link
from bot.pages import HEADERS, Pages
from bot.strict_json import Malformed, parse
from bot.times import local_date, moment
from bot.topic import Equipment
from handlers.organisation import authority, factors, proofs
from storage import people
from storage.database import Tx, retried
from storage.people import Person

HERE = Path(__file__).parent
PREFIX, PURPOSE = "/officer", "factor"  # of its links, which are about nothing besides
ISSUER = "KP7"
BODY_LIMIT = 1_024
STYLES = ("/static/cards.css", "/officer/static/factor.css")


def routes(house: Equipment, outbox: Outbox) -> list[BaseRoute]:
    page = FactorPage(house, outbox)
    return [
        Mount(f"{PREFIX}/static", StaticFiles(directory=HERE / "static")),
        Route(f"{PREFIX}/{{token}}", page.look, methods=["GET"]),
        Route(f"{PREFIX}/{{token}}", page.bind, methods=["POST"]),
        Route(f"{PREFIX}/{{token}}/confirm", page.confirm, methods=["POST"]),
    ]


class FactorPage:
    def __init__(self, house: Equipment, outbox: Outbox) -> None:
        self._house, self._outbox = house, outbox
        self._pages = Pages(house.texts, HERE / "templates", "factor_page", STYLES)
        self._page = LinkedPage(house, self._pages, PURPOSE, "factor", allowed=self._allowed, done="set_up.html")

    # --- what is asked for ------------------------------------------------------------------------------------------

    async def look(self, request: Request) -> Response:
        async with self._house.database.read() as tx:
            link = await self._page.met(tx, request)
        if isinstance(link, Response):
            return link
        if request.method == "HEAD":  # asks what is here, and must change nothing
            return HTMLResponse("", headers=HEADERS)
        secret = await self._new_secret(request)
        if secret is None:
            return self._pages.gone(request)
        address = self.address(secret)
        return self._pages.page(
            "show.html",
            link.language,
            picture=segno.make(address, error="m", micro=False).png_data_uri(scale=6, border=4),
            address=address,
            secret=" ".join(re.findall(".{4}", secret)),
            chat=chat_of(link.account["channel"]),
        )

    async def bind(self, request: Request) -> Response:
        return await self._page.bind(request)

    async def confirm(self, request: Request) -> Response:
        language = language_of(request)
        try:
            if not same_origin(request, self._house.policy.settings.address):
                raise Refused(404, "factor_page.gone")
            async with self._house.database.read() as tx:  # strangers are not listened to
                link = await self._page.bound(tx, request)
            language = link.language
            code = thai.otp(await _code(request), factors.DIGITS)
            written, wrong = await self._confirm(request, code)
            if wrong:
                raise wrong
        except Invalid as wrong:
            message = self._house.texts(language, f"error.{wrong.code}", wrong.params)
            return JSONResponse({"message": message}, 422, HEADERS)
        except Refused as refused:
            return JSONResponse({"message": self._house.texts(language, refused.key)}, refused.status, HEADERS)
        self._outbox.dispatch(written)
        response = JSONResponse({}, headers=HEADERS)
        self._page.give_receipt(response, link)
        return response

    def address(self, secret: str) -> str:
        """What the picture says: otpauth://…, with the name of this server, and of nobody."""
        host = self._house.policy.settings.address.partition("://")[2]
        return pyotp.TOTP(secret).provisioning_uri(name=host, issuer_name=ISSUER)

    # --- what is done -----------------------------------------------------------------------------------------------

    @retried
    async def _new_secret(self, request: Request) -> str | None:
        house, now = self._house, self._house.clock()
        async with house.database.write() as tx:
            link = await self._page.find(tx, request, lock=True)
            if link is None or not self._page.theirs(request, link):
                return None
            person = await people.by_id(tx, house.vault, link.person_id)
            return await factors.begin(tx, house.vault, person.id, person.key, now)

    @retried
    async def _confirm(self, request: Request, code: str) -> tuple[Written, Invalid | None]:
        """Committed, a wrong code too; to be dispatched before anything else is awaited. Raises `Refused`."""
        house, now, settings = self._house, self._house.clock(), self._house.policy.settings
        async with house.database.write() as tx:
            link = await self._page.bound(tx, request, lock=True)
            person = await people.by_id(tx, house.vault, link.person_id)
            try:
                by = f"{link.account['channel']}:{person.id}"
                await factors.confirm(tx, house.vault, settings, person.id, person.key, code, now, by=by)
            except Invalid as wrong:
                return Written(), wrong
            account = link.account["id"]
            chat = await tx.one("SELECT session FROM accounts WHERE id = :id", {"id": account})
            if chat is None or not await page_links.consume(tx, link):
                raise Refused(404, "factor_page.gone")
            await proofs.prove(tx, house.vault, settings, account, person.id, account, chat["session"], now)
            return await self._outbox.insert(tx, self._told(person, link.language, now)), None

    def _told(self, person: Person, language: Language, now: int) -> list[Entry]:
        """To the mailbox: whoever did this, its owner hears of it."""
        if person.email is None:
            return []
        day = local_date(now, self._house.policy.settings.timezone).isoformat()
        content = {
            "to": person.email.address,
            "language": language,
            "text": "mail.factor_set_up",
            "params": {"day": day, "at": moment(now).isoformat()},
        }
        lane = f"mail:{people.address_index(self._house.vault, person.email.address)}"
        return [Entry.make("mail", "notice", content, person.key, now=now, person_id=person.id, lane=lane)]

    async def _allowed(self, tx: Tx, link: Link) -> bool:
        """An officer without a second factor."""
        house = self._house
        if await factors.enrolled(tx, link.person_id) or await factors.lost(tx, house.vault, link.person_id):
            return False
        today = local_date(house.clock(), house.policy.settings.timezone)
        return await authority.officer(tx, house.vault, link.person_id, today) is not None


async def _code(request: Request) -> str:
    try:
        match parse(await body(request, BODY_LIMIT)):
            case {"code": str(code)}:
                return code
    except Busy:
        raise Refused(503, "factor_page.busy") from None
    except (Malformed, TooLarge):
        pass
    raise Refused(400, "factor_page.malformed")
