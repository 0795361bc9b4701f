"""The stored PDF of a paper, as HR judges it: whole, for its pages to be drawn, and as it is read, for an officer to
keep."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager

import structlog
from starlette.responses import Response, StreamingResponse

from bot.http import Refused
from handlers.documents.rules import slot_of
from handlers.review.describing import Paper
from handlers.review.judged import judged, judged_frames
from storage.files import Files
from storage.objects import Missing, Unstored
from storage.vault import Key, Tampered, Vault

log = structlog.get_logger()


class Originals:
    """All raise `Refused`."""

    def __init__(self, files: Files, vault: Vault) -> None:
        self._files, self._vault = files, vault

    async def whole(self, paper: Paper, key: Key) -> bytes:
        with _readable(paper):
            return await judged(self._files, self._vault, paper.file, paper.content, key)

    async def attachment(self, paper: Paper, key: Key, headers: Mapping[str, str]) -> Response:
        """A frame of it is in memory at a time. Its length is told first, so that what breaks off is known to have: a
        frame that does not open ends the connection."""
        with _readable(paper):
            size, coming = await judged_frames(self._files, self._vault, paper.file, paper.content, key)
        slot = slot_of(paper.slot)
        name = f"{slot.number}-{slot.kind}.pdf"  # of ours: nothing that anybody wrote
        more = {"content-length": str(size), "content-disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(_told(paper, coming), media_type="application/pdf", headers={**headers, **more})


async def _told(paper: Paper, coming: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    with _readable(paper):
        async for frame in coming:
            yield frame


@contextmanager
def _readable(paper: Paper) -> Iterator[None]:
    try:
        yield
    except Missing:  # dropped at this moment
        raise Refused(404, "error.item_gone") from None
    except Tampered:
        log.error("original_unreadable", file=paper.file, error="Tampered")
        raise Refused(409, "error.item_unreadable") from None
    except Unstored as error:
        log.error("original_unreadable", file=paper.file, error=type(error).__name__)
        raise Refused(503, "desk.busy") from None
