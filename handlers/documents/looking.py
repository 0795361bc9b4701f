"""Looks whether the pages of a paper say “สำเนาถูกต้อง”: outbox rows of the kind `looks`, one at a time.

Nobody waits for it and nobody is told. It is a hint: for the person who says that they have signed by hand, and for
HR. Whatever goes wrong, there is none.
"""

from functools import partial

from bot.outbox import Carrier, Entry, Undelivered
from bot.papers.shapes import Reason, Refused
from bot.topic import Equipment, Take
from handlers.documents import jobs, store
from handlers.documents.owner import Owner, alone
from handlers.documents.store import Paper
from storage import keys
from storage.database import retried
from storage.objects import Missing, Unstored

MADE_WITHIN_MS = 120_000  # after that no paper comes of it any more


def carrier(house: Equipment, _take: Take) -> Carrier:
    return Carrier(partial(_look, house), at_once=1)


async def _look(house: Equipment, entry: Entry) -> None:
    async with house.database.read() as tx:
        key = await keys.by_id(tx, house.vault, entry.key_id)
        if key is None:
            return
        owner = Owner(entry.content["person"], entry.content["campaign"], key)
        paper = await store.paper_of(tx, house.vault, owner, entry.content["slot"])
    if paper is None and house.clock() < entry.content["at"] + MADE_WITHIN_MS:
        raise Undelivered("", wait=jobs.SOON_MS)  # it is still being made: nothing to tell of
    if paper is None or not paper.file or paper.certified == "phone" or "marks" in paper.detail:
        return
    try:
        pdf = await house.files.get(paper.file, owner.key)
    except Missing:
        return  # it was taken back just now
    except Unstored as error:
        raise Undelivered(f"files: {error}") from error
    marks = await house.papers.look(pdf, house.texts("th", "stamp.heading"))
    if not isinstance(marks, Refused):
        await _keep(house, owner, paper, marks)
    elif marks.reason is Reason.BUSY:
        raise Undelivered(f"papers: {marks.reason}", wait=jobs.SOON_MS)


@retried
async def _keep(house: Equipment, owner: Owner, seen: Paper, marks: tuple[bool | None, ...]) -> None:
    """Also if it was certified or handed in meanwhile: the file is the same."""
    async with house.database.write() as tx:
        if not await alone(tx, owner):
            return
        paper = await store.paper_of(tx, house.vault, owner, seen.slot)
        if paper and (paper.id, paper.file) == (seen.id, seen.file):
            await store.hint(tx, owner, paper, marks)
