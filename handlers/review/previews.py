"""Pictures of what waits for an officer, which LINE fetches without login: `/f/r/<token>`.

A token is `<paper>.<seen>.<page>.<officer>.<until when>.<mac>`: it names what was waiting, and for whom. Before a page
is drawn, and again before it is given away, the officer's roles are looked up and the paper is looked for among what
waits for them, exactly as it was seen: so a picture is dead as soon as its paper is decided or changed, the officer has
lost the role, or a day has gone. Whatever is not to be had is not here, in the same words.

Each is drawn from the stored PDF, small and marked all over, by one at a time for an officer and for a paper. The last
`KEPT` stay in memory, so that fetching one again costs no drawing; nothing of it is stored. Of each paper it is written
down once a day that an officer's pictures were fetched.
"""

import base64
import hashlib
import hmac
import re
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from bot.events import PICTURES, Invalid
from bot.papers.shapes import Picture, Reason
from bot.times import DAY, SECOND, local_date
from bot.topic import Equipment
from handlers.organisation import authority
from handlers.review import queue
from handlers.review.describing import Paper, describe
from handlers.review.judged import judged
from handlers.review.queue import Item
from handlers.review.turns import Turns
from storage import attempts, audit, people
from storage.attempts import Limit
from storage.database import Tx, retried
from storage.objects import Missing, Unstored
from storage.vault import Key, Tampered, Vault

log = structlog.get_logger()

PREFIX = "/f/r/"
LIVES = DAY
WIDTH = 600  # pixels: enough to see which paper it is and whether it is sharp, no copy of it
LONGEST = 160  # characters of a token
KEPT = 64  # pictures, of some 50 KB each
_TOKEN = re.compile(
    r"([0-9a-z]{26})\.([0-9a-f]{8})\.([1-9][0-9]?)\.([0-9a-z]{26})\.([0-9a-f]{1,12})\.([0-9A-Za-z_-]{32})", re.ASCII
)
_HEADERS = {
    "cache-control": "private, no-store",
    "content-disposition": "inline",
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True)
class Meant:
    """What a token names."""

    paper: str
    seen: str
    page: int
    officer: str


class Addresses:
    """Makes and reads tokens. Pure."""

    def __init__(self, vault: Vault) -> None:
        self._secret = vault.secret("previews")

    def of(self, item: Item, pages: int, officer: str, now: int) -> tuple[str, ...]:
        """Paths of the first pages of this paper, for this officer, for a day from `now` on (milliseconds)."""
        until = f"{(now + LIVES) // SECOND:x}"
        return tuple(
            self._path(item.id, item.seen, str(page), officer, until) for page in range(1, min(pages, PICTURES) + 1)
        )

    def read(self, token: str, now: int) -> Meant | None:
        """None for anything that was not made here, or is over."""
        found = _TOKEN.fullmatch(token) if len(token) <= LONGEST else None
        if found is None:
            return None
        *parts, given = found.groups()
        paper, seen, page, officer, until = parts
        if not hmac.compare_digest(given, self._mac(*parts)) or now >= int(until, 16) * SECOND:
            return None
        return Meant(paper, seen, int(page), officer)

    def _path(self, *parts: str) -> str:
        return f"{PREFIX}{'.'.join(parts)}.{self._mac(*parts)}"

    def _mac(self, *parts: str) -> str:
        digest = hmac.digest(self._secret, "\x1f".join(parts).encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest[:24]).decode()


class Previews:
    def __init__(self, house: Equipment) -> None:
        self._house = house
        self._addresses = Addresses(house.vault)
        self._turns = Turns()
        self._drawn: OrderedDict[tuple[str, str, int], bytes] = OrderedDict()  # paper, content, page

    def routes(self) -> list[BaseRoute]:
        return [Route(f"{PREFIX}{{token}}", self.show)]

    async def show(self, request: Request) -> Response:
        meant = self._addresses.read(request.path_params["token"], self._house.clock())
        if meant is None:
            raise HTTPException(404)
        async with self._turns.of(meant.officer) as free, self._turns.of(meant.paper) as free_too:
            if not (free and free_too):
                return PlainTextResponse("busy", 503)
            return await self._shown(meant)

    async def _shown(self, meant: Meant) -> Response:
        found = await self.waiting_paper(meant)
        if found is None:
            self._forget(meant.paper)
            raise HTTPException(404)
        try:
            jpeg = await self._picture(meant, *found)
        except Missing:  # dropped at this moment
            raise HTTPException(404) from None
        except (Unstored, Tampered) as error:
            log.error("preview_unreadable", paper=meant.paper, error=type(error).__name__)
            return PlainTextResponse("busy", 503)
        if jpeg is None:
            return PlainTextResponse("busy", 503)
        if not await self._written_down(meant):  # decided, or the role lost, while it was drawn
            self._forget(meant.paper)
            raise HTTPException(404)
        return Response(jpeg, media_type="image/jpeg", headers=_HEADERS)

    async def _picture(self, meant: Meant, paper: Paper, key: Key) -> bytes | None:
        """None: not just now."""
        which = (meant.paper, paper.content, meant.page)
        if which not in self._drawn:
            house = self._house
            pdf = partial(judged, house.files, house.vault, paper.file, paper.content, key)
            drawn = await house.papers.preview(pdf, meant.page, WIDTH, house.texts("th", "review.watermark"))
            if not isinstance(drawn, Picture):
                if drawn.reason is Reason.BUSY:
                    return None
                raise HTTPException(404)
            self._drawn[which] = drawn.jpeg
            while len(self._drawn) > KEPT:
                self._drawn.popitem(last=False)
        self._drawn.move_to_end(which)
        return self._drawn[which]

    def _forget(self, paper: str) -> None:
        for which in [which for which in self._drawn if which[0] == paper]:
            del self._drawn[which]

    async def waiting_paper(self, meant: Meant) -> tuple[Paper, Key] | None:
        """And the key that opens it; None unless it waits for this officer just now, as it was seen."""
        async with self._house.database.read() as tx:
            found = await self._found(tx, meant)
            return found and (found[1], found[2])

    async def _found(self, tx: Tx, meant: Meant) -> tuple[Item, Paper, Key] | None:
        house = self._house
        settings = house.policy.settings
        officer = await authority.officer(tx, house.vault, meant.officer, local_date(house.clock(), settings.timezone))
        item = await queue.find(tx, house.vault, officer, meant.paper) if officer else None
        if officer is None or item is None or item.seen != meant.seen or item.kind not in queue.PAPERS:
            return None
        try:
            paper = (await describe(tx, house.vault, settings, officer, item)).paper
        except Invalid:
            return None
        if paper is None or not paper.file:
            return None
        return item, paper, (await people.by_id(tx, house.vault, item.owner)).key

    @retried
    async def _written_down(self, meant: Meant) -> bool:
        """False: it does not wait for this officer any more."""
        house, now = self._house, self._house.clock()
        async with house.database.write() as tx:
            found = await self._found(tx, meant)
            if found is None:
                return False
            first = not await attempts.take(tx, "preview", {f"{meant.officer}:{meant.paper}": Limit(per_day=1)}, now)
            if first:
                item = found[0]
                detail = {"item": item.id, "kind": item.kind, "version": item.version}
                line = audit.Line(f"picture:{meant.officer}", "paper.pictured", item.owner, detail)
                await audit.append(tx, house.vault, now, [line])
        return True
