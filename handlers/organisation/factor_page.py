"""The page on which an officer sets up the second factor, opened from the chat.

GET  /officer/<token>          a button; for the browser that pressed it, a new secret, as a picture and in letters:
                               it is shown this once, and opening the page again makes another one
POST /officer/<token>          the button: from now on the link is that browser's (`bot/page_links.py`)
POST /officer/<token>/confirm  JSON {"code"}: the first code of the secret makes it the officer's second factor

Whoever has no live link, another browser, a factor already, or a role no more, gets one sentence, the same for every
reason; only the browser that has confirmed is told, when it comes again, that this is done.
"""

import re
import secrets
from pathlib import Path

import jinja2
import pyotp
import segno
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot import page_links, thai
from bot.events import Invalid, Language
from bot.http import Busy, TooLarge, body, language_of, same_origin
from bot.outbox import Entry, Outbox, Written
from bot.page_links import Link
from bot.strict_json import Malformed, parse
from bot.times import local_date, moment
from bot.topic import Equipment
from handlers.organisation import authority, factors, proofs
from storage import audit, people
from storage.database import Tx, retried
from storage.people import Person

HERE = Path(__file__).parent
PREFIX, PURPOSE = "/officer", "factor"  # of its links, which are about nothing besides
ISSUER = "KP7"
BODY_LIMIT = 1_024
_COOKIE = re.compile(r"[0-9A-Za-z_-]{43}")
# A form's POST would come with `Origin: null` otherwise, and older browsers say nothing else of where it is from.
_HEADERS = {"referrer-policy": "same-origin"}


class Refused(Exception):
    """An answer: `status`, and the key of a sentence."""

    def __init__(self, status: int, key: str) -> None:
        super().__init__(key)
        self.status, self.key = status, key


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
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined
        )

    # --- what is asked for ------------------------------------------------------------------------------------------

    async def look(self, request: Request) -> Response:
        async with self._house.database.read() as tx:
            link = await self._link(tx, request)
        if link is None and (used := self._used(request)):
            return self._page("set_up.html", used[1], chat=_chat(used[0]))
        if link is None or (link.browser and link.browser != self._browser(request, link)):
            return self._gone(request)
        if link.browser is None:
            return self._page("open.html", link.language)
        if request.method == "HEAD":  # asks what is here, and must change nothing
            return HTMLResponse("", headers=_HEADERS)
        secret = await self._new_secret(request)
        if secret is None:
            return self._gone(request)
        address = self.address(secret)
        return self._page(
            "show.html",
            link.language,
            picture=segno.make(address, error="m", micro=False).png_data_uri(scale=6, border=4),
            address=address,
            secret=" ".join(re.findall(".{4}", secret)),
            chat=_chat(link.account["channel"]),
        )

    async def bind(self, request: Request) -> Response:
        if not same_origin(request, self._house.policy.settings.address):
            return self._gone(request)
        cookie = secrets.token_urlsafe(32)
        link = await self._bind(request, self._index(cookie))
        if link is None:
            return self._gone(request)
        response = RedirectResponse(f"{PREFIX}/{request.path_params['token']}", 303, _HEADERS)
        self._set_cookie(response, link.id, cookie)
        return response

    async def confirm(self, request: Request) -> Response:
        language = language_of(request)
        try:
            if not same_origin(request, self._house.policy.settings.address):
                raise Refused(404, "factor_page.gone")
            async with self._house.database.read() as tx:  # strangers are not listened to
                link = await self._bound(tx, request)
            language = link.language
            code = thai.otp(await _code(request), factors.DIGITS)
            written, wrong = await self._confirm(request, code)
            if wrong:
                raise wrong
        except Invalid as wrong:
            message = self._house.texts(language, f"error.{wrong.code}", wrong.params)
            return JSONResponse({"message": message}, 422, _HEADERS)
        except Refused as refused:
            return JSONResponse({"message": self._house.texts(language, refused.key)}, refused.status, _HEADERS)
        self._outbox.dispatch(written)
        response = JSONResponse({}, headers=_HEADERS)
        self._set_cookie(response, link.id, page_links.receipt(self._house.vault, link))
        return response

    def address(self, secret: str) -> str:
        """What the picture says: otpauth://…, with the name of this server, and of nobody."""
        host = self._house.policy.settings.address.partition("://")[2]
        return pyotp.TOTP(secret).provisioning_uri(name=host, issuer_name=ISSUER)

    # --- what is done -----------------------------------------------------------------------------------------------

    @retried
    async def _bind(self, request: Request, browser: str) -> Link | None:
        async with self._house.database.write() as tx:
            link = await self._link(tx, request)
            return link if link and await page_links.bind(tx, self._house.vault, link, browser) else None

    @retried
    async def _new_secret(self, request: Request) -> str | None:
        house, now = self._house, self._house.clock()
        async with house.database.write() as tx:
            link = await self._link(tx, request, lock=True)
            if link is None or link.browser is None or link.browser != self._browser(request, link):
                return None
            person = await people.by_id(tx, house.vault, link.person_id)
            return await factors.begin(tx, house.vault, person.id, person.key, now)

    @retried
    async def _confirm(self, request: Request, code: str) -> tuple[Written, Invalid | None]:
        """Committed, a wrong code too; to be dispatched before anything else is awaited. Raises `Refused`."""
        house, now, settings = self._house, self._house.clock(), self._house.policy.settings
        async with house.database.write() as tx:
            link = await self._bound(tx, request, lock=True)
            person = await people.by_id(tx, house.vault, link.person_id)
            try:
                await factors.confirm(tx, house.vault, settings, person.id, person.key, code, now)
            except Invalid as wrong:
                return Written(), wrong
            account = link.account["id"]
            chat = await tx.one("SELECT session FROM accounts WHERE id = :id", {"id": account})
            if chat is None or not await page_links.consume(tx, link):
                raise Refused(404, "factor_page.gone")
            await proofs.prove(tx, house.vault, settings, account, person.id, account, chat["session"], now)
            written = await self._outbox.insert(tx, self._told(person, link.language, now))
            line = audit.Line(f"{link.account['channel']}:{person.id}", "factor.set_up", person.id)
            await audit.append(tx, house.vault, now, [line])
            return written, None

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

    # --- whose link it is -------------------------------------------------------------------------------------------

    async def _link(self, tx: Tx, request: Request, *, lock: bool = False) -> Link | None:
        """Of an officer without a second factor."""
        vault, settings, now = self._house.vault, self._house.policy.settings, self._house.clock()
        id = page_links.id_of(vault, request.path_params["token"])
        link = await page_links.find(tx, vault, settings, id, now, purpose=PURPOSE, lock=lock) if id else None
        if link is None or await factors.enrolled(tx, link.person_id):
            return None
        today = local_date(now, settings.timezone)
        return link if await authority.officer(tx, vault, link.person_id, today) else None

    async def _bound(self, tx: Tx, request: Request, *, lock: bool = False) -> Link:
        """Raises `Refused` unless the link is this browser's."""
        link = await self._link(tx, request, lock=lock)
        if link is None or link.browser is None or link.browser != self._browser(request, link):
            raise Refused(404, "factor_page.gone")
        return link

    def _browser(self, request: Request, link: Link) -> str | None:
        cookie = request.cookies.get(self._cookie(link.id), "")
        return self._index(cookie) if _COOKIE.fullmatch(cookie) else None

    def _index(self, cookie: str) -> str:
        return self._house.vault.index("page_browser", cookie)

    def _used(self, request: Request) -> tuple[str, Language] | None:
        """Channel and language of the chat, where this browser has confirmed with this link."""
        id = page_links.id_of(self._house.vault, request.path_params["token"])
        return page_links.used(self._house.vault, id, request.cookies.get(self._cookie(id), "")) if id else None

    def _set_cookie(self, response: Response, link_id: str, value: str) -> None:
        response.set_cookie(
            self._cookie(link_id),
            value,
            max_age=page_links.MINUTES * 60,
            path="/",
            secure=self._house.policy.settings.secure,
            httponly=True,
            samesite="strict",
        )

    def _cookie(self, link_id: str) -> str:
        return f"{'__Host-' if self._house.policy.settings.secure else ''}kp7-factor-{link_id[:16]}"

    # --- what is answered -------------------------------------------------------------------------------------------

    def _gone(self, request: Request) -> Response:
        if request.method == "GET" and request.headers.get("sec-fetch-site") == "cross-site":
            # a link on another site: the browser holds back its cookie. Coming again from here, it sends it.
            return HTMLResponse('<!doctype html><meta http-equiv="refresh" content="0"><title>KP7</title>')
        return self._page("gone.html", language_of(request), 404)

    def _page(self, name: str, language: Language, status: int = 200, /, **more: object) -> Response:
        def say(key: str, **params: object) -> str:
            return self._house.texts(language, key, params)

        html = self._templates.get_template(name).render(language=language, say=say, **more)
        return HTMLResponse(html, status, _HEADERS)


def _chat(channel: str) -> str:
    """Where the chat is, if it is a page of ours."""
    return "/chat" if channel == "web" else ""


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
