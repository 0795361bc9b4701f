"""A page that a link from a chat leads to (`bot/page_links.py`), as browsers come to it.

GET shows a button to whoever comes first, and POST, which it sends, gives the link to that browser: from then on a
cookie of its own says that it is the one. Whoever has no live link, or another browser, gets one page, the same for
every reason; only the browser that has used the link up is told, when it comes again, that this is done.
"""

import re
import secrets
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot import page_links
from bot.http import Refused, same_origin
from bot.page_links import Link
from bot.pages import HEADERS, Pages
from bot.topic import Equipment
from storage.database import Tx, retried

_COOKIE = re.compile(r"[0-9A-Za-z_-]{43}")


async def _anybody(_tx: Tx, _link: Link) -> bool:
    return True


async def _nothing(_tx: Tx, _link: Link) -> None:
    pass


class LinkedPage:
    """`cookie`: part of its name. `minutes`: how long the cookie is kept. `allowed`: looked at each time, besides the
    link. `done`: the template for a browser that has used its link."""

    def __init__(
        self,
        house: Equipment,
        pages: Pages,
        purpose: str,
        cookie: str,
        *,
        minutes: int = page_links.MINUTES,
        allowed: Callable[[Tx, Link], Awaitable[bool]] = _anybody,
        done: str = "",
    ) -> None:
        self._house, self.pages, self._purpose = house, pages, purpose
        self._secure = house.policy.settings.secure  # of the deployment, as its address is
        self._cookie_name = f"{'__Host-' if self._secure else ''}kp7-{cookie}-"
        self._minutes, self._allowed, self._done = minutes, allowed, done

    async def find(self, tx: Tx, request: Request, *, lock: bool = False) -> Link | None:
        """Whichever browser it is bound to. `lock`: as in `page_links.find`."""
        house, id = self._house, self._id(request)
        if id is None:
            return None
        settings, now = house.policy.settings, house.clock()
        link = await page_links.find(tx, house.vault, settings, id, now, purpose=self._purpose, lock=lock)
        return link if link and await self._allowed(tx, link) else None

    async def bound(self, tx: Tx, request: Request, *, lock: bool = False) -> Link:
        """Raises `Refused` unless the link is this browser's."""
        link = await self.find(tx, request, lock=lock)
        if link is None or not self.theirs(request, link):
            raise self.pages.refused()
        return link

    def theirs(self, request: Request, link: Link) -> bool:
        """Is it bound to this browser?"""
        cookie = request.cookies.get(self._name(link.id), "")
        return link.browser is not None and bool(_COOKIE.fullmatch(cookie)) and link.browser == self._index(cookie)

    async def met(self, tx: Tx, request: Request) -> Link | Response:
        """The link, if it is this browser's; else what is answered."""
        link = await self.find(tx, request)
        if link is None:
            return self._used(request) or self.pages.gone(request)
        return self.strange(request, link) or link

    def strange(self, request: Request, link: Link) -> Response | None:
        """What whoever comes with a link that is not (yet) this browser's is answered."""
        if link.browser is None:
            return self.pages.page("open.html", link.language)
        return None if self.theirs(request, link) else self.pages.gone(request)

    async def bind(self, request: Request, then: Callable[[Tx, Link], Awaitable[None]] = _nothing) -> Response:
        """The button was pressed. `then`: in the same transaction; may raise `Refused`."""
        if not same_origin(request, self._house.policy.settings.address):
            return self.pages.gone(request)
        cookie = secrets.token_urlsafe(32)
        try:
            link = await self._bind(request, self._index(cookie), then)
        except Refused:
            return self.pages.gone(request)
        response = RedirectResponse(request.url.path, 303, HEADERS)
        self._set_cookie(response, link, cookie, self._minutes * 60)
        return response

    @retried
    async def _bind(self, request: Request, browser: str, then: Callable[[Tx, Link], Awaitable[None]]) -> Link:
        async with self._house.database.write() as tx:
            link = await self.find(tx, request)
            if link is None or not await page_links.bind(tx, self._house.vault, link, browser):
                raise self.pages.refused()
            await then(tx, link)
            return link

    def give_receipt(self, response: Response, link: Link) -> None:
        """To the browser that has used the link up."""
        self._set_cookie(response, link, page_links.receipt(self._house.vault, link), page_links.MINUTES * 60)

    def take_cookie(self, response: Response, link: Link) -> None:
        self._set_cookie(response, link, "", 0)

    def _used(self, request: Request) -> Response | None:
        id = self._id(request)
        used = page_links.used(self._house.vault, id, request.cookies.get(self._name(id), "")) if id else None
        return self.pages.page(self._done, used[1], chat=chat_of(used[0])) if used and self._done else None

    def _id(self, request: Request) -> str | None:
        return page_links.id_of(self._house.vault, request.path_params["token"])

    def _index(self, cookie: str) -> str:
        return self._house.vault.index("page_browser", cookie)

    def _name(self, link_id: str) -> str:
        """One for each link: two can be open side by side."""
        return f"{self._cookie_name}{link_id[:16]}"

    def _set_cookie(self, response: Response, link: Link, value: str, seconds: int) -> None:
        response.set_cookie(
            self._name(link.id),
            value,
            max_age=seconds,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="strict",
        )


def chat_of(channel: str) -> str:
    """Where the chat is, if it is a page of ours."""
    return "/chat" if channel == "web" else ""
