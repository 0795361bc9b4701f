"""Pictures of what waits for an officer, which LINE fetches without login: `/f/r/<token>`.

A token is `<paper>.<seen>.<page>.<officer>.<until when>.<mac>`: it names what was waiting, and for whom. Before a page
is drawn, and again before it is given away, the officer's roles are looked up and the paper is looked for among what
waits for them, exactly as it was seen: so a picture is dead as soon as its paper is decided or changed, the officer has
lost the role, or a day has gone. Whatever is not to be had is not here, in the same words.

Nothing of it is stored: each is drawn from the stored PDF, small and marked all over, one at a time for an officer.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from bot.events import PICTURES
from bot.papers.shapes import Picture, Reason
from bot.times import DAY, SECOND, local_date
from bot.topic import Equipment
from handlers.organisation import authority
from handlers.review import queue
from handlers.review.queue import Item
from handlers.review.turns import Turns
from storage import people
from storage.database import Tx
from storage.objects import Missing, Unstored
from storage.vault import Key, Tampered, Vault

log = structlog.get_logger()

PREFIX = "/f/r/"
LIVES = DAY
WIDTH = 600  # pixels: enough to see which paper it is and whether it is sharp, no copy of it
LONGEST = 160  # characters of a token
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

    def routes(self) -> list[BaseRoute]:
        return [Route(f"{PREFIX}{{token}}", self.show)]

    async def show(self, request: Request) -> Response:
        meant = self._addresses.read(request.path_params["token"], self._house.clock())
        if meant is None:
            raise HTTPException(404)
        async with self._turns.of(meant.officer) as free:
            if not free:
                return PlainTextResponse("busy", 503)
            return await self._shown(meant)

    async def _shown(self, meant: Meant) -> Response:
        found = await self.waiting_paper(meant)
        if found is None:
            raise HTTPException(404)
        file, key = found
        try:
            pdf = await self._house.files.get(file, key)
        except Missing:  # dropped at this moment
            raise HTTPException(404) from None
        except (Unstored, Tampered) as error:
            log.error("preview_unreadable", file=file, error=type(error).__name__)
            return PlainTextResponse("busy", 503)
        watermark = self._house.texts("th", "review.watermark")
        drawn = await self._house.papers.preview(pdf, meant.page, WIDTH, watermark)
        if not isinstance(drawn, Picture):
            if drawn.reason is Reason.BUSY:
                return PlainTextResponse("busy", 503)
            raise HTTPException(404)
        if await self.waiting_paper(meant) is None:  # decided, or the role lost, while it was drawn
            raise HTTPException(404)
        return Response(drawn.jpeg, media_type="image/jpeg", headers=_HEADERS)

    async def waiting_paper(self, meant: Meant) -> tuple[str, Key] | None:
        """Its PDF, and the key that opens it; None unless it waits for this officer just now, as it was seen."""
        house = self._house
        async with house.database.read() as tx:
            today = local_date(house.clock(), house.policy.settings.timezone)
            officer = await authority.officer(tx, house.vault, meant.officer, today)
            item = await queue.find(tx, officer, meant.paper) if officer else None
            if item is None or item.seen != meant.seen or item.kind not in queue.PAPERS:
                return None
            return await file_of(tx, house.vault, item)


async def file_of(tx: Tx, vault: Vault, item: Item) -> tuple[str, Key] | None:
    """The id of the PDF that waits, and the key of whoever it belongs to; None where there is none."""
    row = await tx.one(
        "SELECT file_id FROM papers WHERE id = :id AND version = :version", {"id": item.id, "version": item.version}
    )
    if row is None or row["file_id"] is None:
        return None
    return row["file_id"], (await people.by_id(tx, vault, item.owner)).key
