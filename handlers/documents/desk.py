"""Where papers are worked on after the turn: carries the outbox rows of `jobs.py`.

Each job can be carried twice (a crash between its work and the end of its row): what it writes is guarded by the state
from which it began, and what it tells has one event id, so that it is told once.

    intake   fetch → look at it (child process) → files → page `ready` or `refused` → tell
    bind     the pages' photos → one PDF → look at it like any other → files → paper `taken` → tell
    stamp    the paper, the boxes, the signature → a PDF with marks → files → paper `received` → tell
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from math import ceil
from typing import Any

from bot import metrics
from bot.events import Refresh, Result, Say
from bot.fetching import Gone, TooMuch
from bot.outbox import Carrier, Entry, Undelivered
from bot.papers.shapes import MIB, Box, Kind, Mark, Paper, Reason, Refused, Stroke, kind_of
from bot.times import local_date
from bot.topic import Equipment, Incoming, Take
from handlers.documents import campaigns, drafts, jobs, signatures, store
from handlers.documents.drafts import Page
from handlers.documents.owner import Owner, alone, hold
from handlers.documents.rules import slot_of
from handlers.documents.script import name_of
from storage import keys, people
from storage.database import Tx, retried
from storage.files import File, content_index, let_go
from storage.objects import Unstored
from storage.vault import Key

AT_ONCE = 8  # jobs; how many papers are read at the same time is the room's affair
ALBUM_MS = 2_000  # so long after its last picture an album is told of
LATER = (Reason.BUSY, Reason.NOT_SCANNED)
WATERMARK = "papers.watermark"


def carrier(house: Equipment, take: Take) -> Carrier:
    return Carrier(partial(_carry, Desk(house, take)), partial(_dead, house), at_once=AT_ONCE)


async def _carry(desk: "Desk", entry: Entry) -> None:
    owner = await desk.owner(entry)
    if owner is None:
        return  # the person is gone, and with them what there was to do
    work = {"intake": desk.intake, "bind": desk.bind, "stamp": desk.stamp}[entry.purpose]
    try:
        await work(entry, owner)
    except Unstored as error:
        raise Undelivered(f"files: {error}") from error


class Desk:
    def __init__(self, house: Equipment, take: Take) -> None:
        self._house, self._take = house, take
        self._binding = asyncio.Semaphore(1)  # fifty photos at once are enough to have in memory

    async def owner(self, entry: Entry) -> Owner | None:
        async with self._house.database.read() as tx:
            key = await keys.by_id(tx, self._house.vault, entry.key_id)
        return Owner(entry.content["person"], entry.content["campaign"], key) if key else None

    # --- intake -------------------------------------------------------------------------------------------------------

    async def intake(self, entry: Entry, owner: Owner) -> None:
        page = await self._page(entry, owner)
        if page is not None and page.state == "fetching":
            await self._look_at(entry, owner, page)
        await self._let_go(entry)
        await self._tell_of_pages(entry, owner)

    @retried
    async def _let_go(self, entry: Entry) -> None:
        """What was sent is kept, refused, or not wanted any more: the upload itself is of no use now."""
        async with self._house.database.write() as tx:
            await let_go(tx, [entry.content["reference"]], self._house.clock())

    async def _page(self, entry: Entry, owner: Owner) -> Page | None:
        sent = await self._pages(owner, entry.content["slot"])
        return next((page for page in sent if page.id == entry.content["page"]), None)

    async def _pages(self, owner: Owner, slot: str) -> list[Page]:
        async with self._house.database.read() as tx:
            return await drafts.pages_of(tx, self._house.vault, owner, slot)

    async def _look_at(self, entry: Entry, owner: Owner, page: Page) -> None:
        fetch = self._house.fetch.get(entry.content["channel"])
        if fetch is None:
            raise Undelivered(f"{entry.content['channel']} is switched off")
        most = self._house.policy.settings.paper_megabytes * MIB
        async with self._house.files.in_hand(most) as bytes_are:
            try:
                # as the job has it, which is sealed: what the table says finds only what was taken back
                data = await fetch(entry.content["reference"], owner.key, most)
            except TooMuch:
                await self._refuse(owner, page, Refused(Reason.TOO_BIG, 0, most))
                return
            except Gone:
                await self._refuse(owner, page, "gone")
                return
            await bytes_are(len(data))
            metrics.file_bytes(len(data))
            if kind_of(data) is Kind.PDF:
                await self._look_at_pdf(owner, page, data)
            else:
                await self._look_at_photo(owner, page, data)

    async def _look_at_pdf(self, owner: Owner, page: Page, data: bytes) -> None:
        if not drafts.goes_with("pdf", await self._pages(owner, page.slot)):
            await self._refuse(owner, page, "pdf_alone")
            return
        found = _now(await self._house.papers.take(data, self._watermark()))
        if isinstance(found, Refused):
            await self._refuse(owner, page, found)
            return
        pdf, preview = await self._put(owner, found.pdf), await self._put(owner, found.preview)
        detail = {"sheets": _sheets(found), "repaired": found.repaired, "sha256": pdf.sha256}
        await self._keep(owner, page, "pdf", (pdf.id, preview.id), found.sha256, detail)

    async def _look_at_photo(self, owner: Owner, page: Page, data: bytes) -> None:
        if not drafts.goes_with("photo", await self._pages(owner, page.slot)):
            await self._refuse(owner, page, "pdf_alone")
            return
        found = _now(await self._house.papers.page(data))
        if isinstance(found, Refused):
            await self._refuse(owner, page, found)
            return
        jpeg = await self._put(owner, found.jpeg)
        await self._keep(owner, page, "photo", (jpeg.id, None), found.sha256, {})

    @retried
    async def _keep(
        self,
        owner: Owner,
        page: Page,
        kind: str,
        kept: Sequence[str | None],
        sha256: str,
        detail: Mapping[str, Any],
    ) -> None:
        content = content_index(self._house.vault, sha256)
        async with self._house.database.write() as tx:
            await alone(tx, owner)
            if drafts.goes_with(kind, await drafts.pages_of(tx, self._house.vault, owner, page.slot)):
                same = await drafts.same_file(tx, owner, page.id, content)
                whole = {**page.detail, **detail, "same_as": same}
                outcome = "taken" if await drafts.keep(tx, owner, page.id, kind, kept, content, whole) else "gone"
            else:  # another chat of theirs was faster
                outcome = "pdf_alone"
                await drafts.refuse(tx, owner.key, page.id, {**page.detail, "reason": outcome})
            if outcome != "taken":
                await self._unwanted(tx, kept)
        metrics.file(outcome)

    @retried
    async def _refuse(self, owner: Owner, page: Page, why: Refused | str) -> None:
        reason = {"reason": why} if isinstance(why, str) else _plain(why)
        async with self._house.database.write() as tx:
            await drafts.refuse(tx, owner.key, page.id, {**page.detail, **reason})
        metrics.file(str(reason["reason"]))

    async def _tell_of_pages(self, entry: Entry, owner: Owner) -> None:
        """Once nothing is on its way any more: the last of an album speaks for all of it."""
        content = entry.content
        sent = [one for one in await self._pages(owner, content["slot"]) if one.chat == entry.account_id]
        states = {one.state for one in sent}
        if "fetching" in states or not states & {"ready", "refused"}:  # else all is taken back, begun anew, or bound
            return
        if content["place"][1] > 1:
            left = max(one.at for one in sent) + ALBUM_MS - self._house.clock()
            if 0 < left <= ALBUM_MS:
                raise Undelivered("", wait=left)  # the rest of the album is on its way: nothing to tell of
        refused = [one for one in sent if one.state == "refused"]
        say = tuple(_refusal(one.detail) for one in refused)
        kept = "documents.kept_for_later" if "ready" in states else ""
        await self._tell(entry, Refresh("paper", f"pages.{content['slot']}", kept, say))
        await self._forget(refused)

    @retried
    async def _forget(self, told: Sequence[Page]) -> None:
        if told:
            async with self._house.database.write() as tx:
                await drafts.forget(tx, [page.id for page in told], self._house.clock())

    # --- bind ---------------------------------------------------------------------------------------------------------

    async def bind(self, entry: Entry, owner: Owner) -> None:
        content = entry.content
        by_id = {page.id: page for page in await self._pages(owner, content["slot"]) if page.state == "ready"}
        sent = [by_id[id] for id in content["pages"] if id in by_id]
        if len(sent) != len(content["pages"]):
            await self._answer(entry, await self._already_made(owner, content["slot"]), "pages_changed")
            return
        async with self._binding:
            photos = [await self._house.files.get(page.file or "", owner.key) for page in sent]
            bound = _now(await self._house.papers.bind(photos))
            del photos
        found = (
            bound if isinstance(bound, Refused) else _now(await self._house.papers.take(bound.pdf, self._watermark()))
        )
        if isinstance(found, Refused):
            await self._answer(entry, False, f"paper_{found.reason}", numbers(found))
            return
        pdf, preview = await self._put(owner, found.pdf), await self._put(owner, found.preview)
        detail = {"sheets": _sheets(found), "repaired": False, "sha256": pdf.sha256}
        made = await self._make(owner, content, (pdf.id, preview.id), detail)
        await self._answer(entry, made, "pages_changed")

    async def _already_made(self, owner: Owner, slot: str) -> bool:
        async with self._house.database.read() as tx:
            return await store.paper_of(tx, self._house.vault, owner, slot) is not None

    @retried
    async def _make(
        self, owner: Owner, content: Mapping[str, Any], kept: Sequence[str], detail: Mapping[str, Any]
    ) -> bool:
        async with self._house.database.write() as tx:
            made = await self._is_as_it_was(tx, owner, content) and await store.make(
                tx, owner, content["slot"], "taken", kept, detail, self._house.clock()
            )
            if not made:
                await self._unwanted(tx, kept)
                return False
            await hold(tx, owner, kept)
            await drafts.bind(tx, content["pages"])
        return True

    async def _is_as_it_was(self, tx: Tx, owner: Owner, content: Mapping[str, Any]) -> bool:
        if not await alone(tx, owner):
            return False
        sent = await drafts.pages_of(tx, self._house.vault, owner, content["slot"])
        ready = drafts.in_order([page for page in sent if page.state == "ready"])
        same: bool = [page.id for page in ready] == content["pages"]
        return same

    # --- stamp --------------------------------------------------------------------------------------------------------

    async def stamp(self, entry: Entry, owner: Owner) -> None:
        content, vault = entry.content, self._house.vault
        async with self._house.database.read() as tx:
            paper = await store.paper_of(tx, vault, owner, content["slot"])
            strokes = await signatures.kept(tx, owner.person, owner.key)
            person = await people.by_id(tx, vault, owner.person)
            purpose = await campaigns.purpose(tx, owner.campaign)
        if paper is None or paper.version != content["version"] or not paper.file or not strokes:
            done = bool(paper and paper.certified == "phone" and paper.version > content["version"])
            await self._answer(entry, done, "paper_changed")
            return
        pdf = await self._house.files.get(paper.file, owner.key)
        boxes = [Box(**box) for box in content["boxes"]]
        mark = self._mark(person.full_name, strokes, purpose, content.get("at", self._house.clock()))
        stamped = _now(await self._house.papers.stamp(pdf, mark, boxes))
        if isinstance(stamped, Refused):
            await self._answer(entry, False, f"paper_{stamped.reason}", numbers(stamped))
            return
        picture = _now(await self._house.papers.preview(stamped.pdf, watermark=self._watermark()))
        if isinstance(picture, Refused):
            await self._answer(entry, False, f"paper_{picture.reason}", numbers(picture))
            return
        kept = (await self._put(owner, stamped.pdf), await self._put(owner, picture.jpeg))
        detail = {**paper.detail, "sha256": kept[0].sha256, "stamped": list(stamped.pages)}
        done = await self._certify(owner, paper, detail, kept)
        await self._answer(entry, done, "paper_changed")

    @retried
    async def _certify(self, owner: Owner, paper: store.Paper, detail: Mapping[str, Any], kept: Sequence[File]) -> bool:
        ids = [file.id for file in kept]
        async with self._house.database.write() as tx:
            done = await alone(tx, owner) and await store.certify(
                tx, owner, paper, "phone", detail, self._house.clock(), ids
            )
            if not done:
                await self._unwanted(tx, ids)
        return done

    def _mark(self, name: str, strokes: tuple[Stroke, ...], purpose: str, signed_at: int) -> Mark:
        """Thai, whatever language the person chats in: it is for the record."""
        texts = self._house.texts
        day = local_date(signed_at, self._house.policy.settings.timezone)
        lines = (
            name,
            texts("th", "stamp.date", {"date": day}),
            purpose or texts("th", "stamp.purpose"),
        )
        return Mark(texts("th", "stamp.heading"), lines, strokes)

    # --- telling ------------------------------------------------------------------------------------------------------

    async def _answer(self, entry: Entry, done: bool, error: str, params: Mapping[str, object] | None = None) -> None:
        """To the step that waits for it; or, where a page was signed beside the chat, to the question about that."""
        waits, slot = entry.content.get("answers"), entry.content["slot"]
        if waits:
            result = Result(**waits, value=True) if done else Result(**waits, error=error, params=params or {})
            await self._tell(entry, result)
            return
        question = f"sign.{slot}"
        if done:
            await self._tell(entry, Refresh("paper", question, "documents.stamped_for_later"))
            return
        which = Say("documents.not_stamped", {"paper": name_of(slot_of(slot))})  # they may be at another one by now
        await self._tell(entry, Refresh("paper", question, "", (which, Say(f"error.{error}", params or {}))))

    async def _tell(self, entry: Entry, event: Refresh | Result) -> None:
        content = entry.content
        await self._take(
            Incoming(
                content["channel"],
                content["external_id"],
                f"papers:{entry.id}",
                event,
                token=content.get("token", ""),
                token_until=content.get("token_until", 0),
                person=content["person"],
            )
        )

    async def _unwanted(self, tx: Tx, ids: Sequence[str | None]) -> None:
        """What was put for something that is not wanted any more."""
        await let_go(tx, [id for id in ids if id], self._house.clock())

    async def _put(self, owner: Owner, data: bytes) -> File:
        return await self._house.files.put(owner.person, owner.key, data, self._house.clock())

    def _watermark(self) -> str:
        return self._house.texts("th", WATERMARK)


def _now(found: Any) -> Any:
    """What is refused for now only is tried again."""
    if isinstance(found, Refused) and found.reason in LATER:
        raise Undelivered(f"papers: {found.reason}", wait=jobs.SOON_MS)
    return found


def _sheets(found: Paper) -> list[list[Any]]:
    return [[sheet.width, sheet.height, sheet.written] for sheet in found.sheets]


def _plain(why: Refused) -> dict[str, Any]:
    return {"reason": str(why.reason), "found": why.found, "limit": why.limit}


def numbers(why: Refused) -> dict[str, object]:
    """For the sentence `error.paper_<reason>`."""
    return _words(str(why.reason), why.found, why.limit)


def _words(reason: str, found: int, limit: int) -> dict[str, object]:
    """Bytes are told in megabytes, pixels in millions."""
    unit = {Reason.TOO_BIG: 2**20, Reason.TOO_MANY_PIXELS: 1_000_000}.get(reason, 1)  # type: ignore[call-overload]
    return {"found": ceil(found / unit), "limit": limit // unit, "name": Say("papers.unnamed")}  # more is never as much


def _refusal(detail: Mapping[str, Any]) -> Say:
    nth, of = detail["place"]
    name: object = detail["name"] or (Say("papers.picture", {"n": nth}) if of > 1 else Say("papers.unnamed"))
    numbers = _words(detail["reason"], detail.get("found", 0), detail.get("limit", 0))
    return Say(f"error.paper_{detail['reason']}", {**numbers, "name": name})


async def _dead(house: Equipment, tx: Tx, entry: Entry) -> Sequence[Entry]:
    """It was tried for as long as it makes sense: the person is told, and nothing waits any more."""
    content, key = entry.content, await keys.by_id(tx, house.vault, entry.key_id)
    if key is None:
        return []
    if entry.purpose == "intake":
        await let_go(tx, [content["reference"]], house.clock())
    lost = entry.purpose != "intake" or await drafts.give_up(tx, content["page"])
    back: dict[str, Any] = {name: content[name] for name in ("channel", "external_id", "person")}
    if waits := content.get("answers"):
        back["result"] = {**waits, "error": "paper_not_done"}
    else:
        question = f"pages.{content['slot']}" if entry.purpose == "intake" else f"sign.{content['slot']}"
        said = [{"text": "error.paper_not_done"}] if lost else []
        back["refresh"] = {"flow": "paper", "key": question, "elsewhere": "", "say": said}
    return [_back(key, back, house.clock(), entry)]


def _back(key: Key, content: Mapping[str, Any], now: int, entry: Entry) -> Entry:
    return Entry.make("event", jobs.KIND, content, key, now=now, account_id=entry.account_id, person_id=entry.person_id)
