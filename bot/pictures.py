"""`/f/<token>`: one picture, for whoever knows its address (`bot.links`): LINE's servers, which show it in a chat, too.

Whatever is not to be had is not here, in the same words: a token that nobody made, that is over, or whose file is
dropped, somebody else's, somebody's who was erased, or no JPEG.
"""

from collections.abc import Callable

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from bot.links import PREFIX, Links
from storage.database import Database
from storage.files import Files
from storage.objects import Missing, Unstored
from storage.vault import Tampered, Vault

log = structlog.get_logger()

_JPEG = b"\xff\xd8\xff"
_HEADERS = {
    "cache-control": "private, no-store",
    "content-disposition": "inline",
    "content-security-policy": "sandbox; default-src 'none'",
}


class Pictures:
    def __init__(self, database: Database, vault: Vault, files: Files, links: Links, clock: Callable[[], int]) -> None:
        self._database, self._vault, self._files = database, vault, files
        self._links, self._clock = links, clock

    def routes(self) -> list[BaseRoute]:
        return [Route(f"{PREFIX}{{token}}", self.show)]

    async def show(self, request: Request) -> Response:
        meant = self._links.read(request.path_params["token"], self._clock())
        try:
            picture = await self._picture(*meant) if meant else b""
        except Unstored as error:
            log.error("picture_unstored", reason=str(error))
            return PlainTextResponse("busy", 503)
        if not picture.startswith(_JPEG):
            raise HTTPException(404)
        return Response(picture, media_type="image/jpeg", headers=_HEADERS)

    async def _picture(self, id: str, key_id: str) -> bytes:
        """Empty: there is none that this key opens."""
        async with self._database.read() as tx:
            row = await tx.one(
                "SELECT f.key_id, k.wrapped FROM files f JOIN keys k ON k.id = f.key_id "
                "WHERE f.id = :id AND f.key_id = :key",
                {"id": id, "key": key_id},
            )
        key = self._vault.key_of(row) if row else None
        if key is None:
            return b""
        try:
            return await self._files.get(id, key)
        except Missing:  # dropped at this moment
            return b""
        except Tampered:
            log.error("picture_tampered", file=id)
            return b""
