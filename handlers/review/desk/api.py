"""What the desk's page asks for and does, in JSON. Whoever has no seat gets 401 and nothing else.

GET  /console/api/queue?unit=&kind=&paper=&days=&after=   what waits, oldest first, `PAGE` at a time
GET  /console/api/waiting?unit=&kind=&paper=&days=        ids of what waits, `NEWS` at most: nothing that needs a line
GET  /console/api/items/<id>                              one of them: facts, history, its pages (`item.shown`)
GET  /console/api/items/<id>/pages/<n>?ticket=            page n, a JPEG
GET  /console/api/items/<id>/original?ticket=             the PDF, to keep (`paper.downloaded`)
POST /console/api/items/<id>/national-id   {"ticket"}     the whole number (`person.id_shown`)
POST /console/api/items/<id>/verdict       {"seen", "verdict", "reason", "words", "sure"}

The original and the whole number want digits of the second factor that are fresh: else `STALE`, and `/console/proof`
takes them. A ticket is for one seat, one item and one version of it; it comes with the item, so that nobody looks at a
page without a line in the audit log. Another unit's item, one that was decided and one that never was are the same 404.
"""

import re
from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import TypedDict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.events import Invalid
from bot.http import Refused
from bot.outbox import Outbox, Written
from bot.papers.shapes import Picture, Reason
from bot.topic import Equipment
from handlers.review import deciding, describing, queue
from handlers.review.deciding import Decided, Decision
from handlers.review.describing import Description, Paper
from handlers.review.desk import reading
from handlers.review.desk.seats import Seat, Seats
from handlers.review.desk.strict import from_here, is_json, read
from handlers.review.originals import Originals
from handlers.review.queue import KINDS, Item
from handlers.review.rules import WANTED
from storage import audit, people
from storage.database import Tx, retried
from storage.macs import fits, mac
from storage.people import Person

PAGE = 50
NEWS = 1_000
WIDTH = 1_400  # pixels of a page: small print can be read
STALE = 428  # a status that means nothing else: `static/proof.js` asks for the digits, and does it again
AT_ONCE = 3  # pages drawn for one officer, at however many desks
_ID = re.compile(r"[0-9A-Za-z]{26}")
_AFTER = re.compile(r"([0-9]{1,15})\.([0-9A-Za-z]{26})")
_UNIT = re.compile(r"[0-9A-Za-z]{1,20}")
_NUMBER = re.compile(r"[1-9][0-9]{0,2}")
_TICKET = re.compile(r"[0-9a-f]{64}")
DAYS = ("3", "7", "14")
_MENDABLE = (
    "reason_needed", "reason_unknown", "reason_long", "item_mismatch", "answer_needed", "answer_long", "words_piled",
)  # fmt: skip


class Api:
    def __init__(self, house: Equipment, outbox: Outbox, seats: Seats) -> None:
        self._house, self._outbox, self._seats = house, outbox, seats
        self._originals = Originals(house.files, house.vault)
        self._drawing: Counter[str] = Counter()

    # --- what is asked for ------------------------------------------------------------------------------------------

    async def queue(self, request: Request) -> Response:
        asked = request.query_params
        language, now = self._seats.language(request), self._house.clock()
        narrowed, after = _filters(asked, now), _after(asked.get("after", ""))
        async with self._house.database.write() as tx:
            seat = await self._seat(tx, request)
            vault, texts = self._house.vault, self._house.texts
            found = await queue.waiting(tx, vault, seat.officer, after=after, most=PAGE + 1, **narrowed)
            rows = await reading.rows(tx, vault, texts, language, found[:PAGE], now)
            counts = await queue.counts(tx, seat.officer)
            if rows:
                listed = {"items": [row["id"] for row in rows]}
                await audit.append(tx, vault, now, [audit.Line(seat.by, "queue.listed", None, listed)])
        return JSONResponse({"items": rows, "more": len(found) > PAGE, "waiting": sum(counts.values())})

    async def waiting(self, request: Request) -> Response:
        """What the page asks for by itself, which uses no seat: whoever is not there is signed out all the same."""
        narrowed = _filters(request.query_params, self._house.clock())
        async with self._house.database.read() as tx:
            seat = await self._seat(tx, request, using=False)
            found = await queue.waiting(tx, self._house.vault, seat.officer, most=NEWS, **narrowed)
            counts = await queue.counts(tx, seat.officer)
        ids = [item.id for item in found]
        return JSONResponse({"ids": ids, "whole": len(ids) < NEWS, "waiting": sum(counts.values())})

    async def item(self, request: Request) -> Response:
        house, language, now = self._house, self._seats.language(request), self._house.clock()
        texts = house.texts
        async with house.database.write() as tx:
            seat = await self._seat(tx, request)
            shown = await self._shown(tx, request, seat)
            item = shown.item
            unit = (await reading.unit_names(tx, language, [item.unit])).get(item.unit, "")
            facts = []
            if shown.readable:
                owner = await people.by_id(tx, house.vault, item.owner)
                facts = reading.facts(texts, language, shown, owner, unit)
            await audit.append(tx, house.vault, now, [describing.shown(seat.by, shown)])
        return JSONResponse(
            {
                "id": item.id,
                "seen": item.seen,
                "kind": item.kind,
                "title": reading.title(texts, language, item),
                "name": shown.name,
                "facts": facts,
                "lines": reading.lines(texts, language, shown),
                "history": reading.history(texts, language, shown),
                "options": reading.options(texts, language, shown),
                "reasons": reading.why(texts, language, item),
                "pages": shown.paper.pages if shown.paper and shown.paper.file else 0,
                "ticket": self._ticket(seat, item),
            }
        )

    async def picture(self, request: Request) -> Response:
        async with self._house.database.read() as tx:
            seat, owner, paper = await self._ticketed(tx, request, using=False)
        number = request.path_params["page"]
        if not _NUMBER.fullmatch(number) or int(number) > paper.pages:
            raise Refused(404, "error.item_gone")
        officer = seat.person.id
        if self._drawing[officer] >= AT_ONCE:
            raise Refused(503, "desk.busy")
        self._drawing[officer] += 1
        try:
            pdf = partial(self._originals.whole, paper, owner.key)
            drawn = await self._house.papers.preview(pdf, int(number), WIDTH)
        finally:
            self._drawing[officer] -= 1
            self._drawing += Counter()  # forgets who draws nothing
        if isinstance(drawn, Picture):
            return Response(drawn.jpeg, media_type="image/jpeg")
        raise Refused(503, "desk.busy") if drawn.reason is Reason.BUSY else Refused(409, "desk.unreadable")

    async def original(self, request: Request) -> Response:
        house = self._house
        async with house.database.write() as tx:
            seat, owner, paper = await self._ticketed(tx, request)
            self._look_fresh(seat)
            detail = {"item": request.path_params["id"], "version": paper.version}
            line = audit.Line(seat.by, "paper.downloaded", owner.id, detail)
            await audit.append(tx, house.vault, house.clock(), [line])
        headers = {"content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'"}
        return await self._originals.attachment(paper, owner.key, headers)

    # --- what is done -----------------------------------------------------------------------------------------------

    async def national_id(self, request: Request) -> Response:
        await self._listens(request)
        said = await read(request, "ticket")
        return JSONResponse({"national_id": await self._show_id(request, said["ticket"])})

    @retried
    async def _show_id(self, request: Request, ticket: str) -> str:
        house = self._house
        async with house.database.write() as tx:
            seat = await self._seat(tx, request)
            item = await self._item(tx, request, seat)
            self._check(seat, item, ticket)
            self._look_fresh(seat)
            owner = (await people.legible(tx, house.vault, [item.owner])).get(item.owner)
            if owner is None:
                raise Refused(409, "error.item_unreadable")
            line = audit.Line(seat.by, "person.id_shown", owner.id, {"item": item.id})
            await audit.append(tx, house.vault, house.clock(), [line])
        return reading.written(owner.profile["national_id"])

    async def verdict(self, request: Request) -> Response:
        await self._listens(request)
        said = await read(request, "seen", "verdict", "reason", "words", "sure")
        wanted = next((each for each in WANTED if each == said["verdict"]), None)
        id = request.path_params["id"]
        if wanted is None or said["sure"] not in ("", "yes"):
            raise Refused(400)
        if not _ID.fullmatch(id):
            raise Refused(404, "error.item_gone")
        decision = Decision(id, said["seen"], wanted, said["reason"], said["words"], said["sure"] == "yes")
        try:
            decided, written = await self._decide(request, decision)
        except Invalid as why:
            raise Refused(422 if why.code in _MENDABLE else 409, f"error.{why.code}", **why.params) from None
        self._outbox.dispatch(written)
        return JSONResponse({"verdict": decided.verdict})

    @retried
    async def _decide(self, request: Request, decision: Decision) -> tuple[Decided, Written]:
        """Committed; to be dispatched before anything else is awaited."""
        house = self._house
        async with house.database.write() as tx:
            seat = await self._seat(tx, request)
            settings, now = house.policy.settings, house.clock()
            decided = await deciding.decide(
                tx, house.vault, settings, seat.officer.person_id, decision, by=seat.by, now=now
            )
            return decided, await self._outbox.insert(tx, decided.entries)

    # --- who asks, and for what -------------------------------------------------------------------------------------

    async def _listens(self, request: Request) -> None:
        """To our own page, and to somebody who has a seat, before a body is read. Raises `Refused`."""
        async with self._house.database.read() as tx:
            await self._seat(tx, request, using=False)
        from_here(request, self._house.policy.settings.address)
        is_json(request)

    async def _seat(self, tx: Tx, request: Request, *, using: bool = True) -> Seat:
        seat = await self._seats.of(tx, request, using=using)
        if seat is None:
            raise Refused(401, "desk.closed")
        return seat

    def _look_fresh(self, seat: Seat) -> None:
        """What is taken along, and what was masked, for fresh digits only (SES2). Raises `Refused`."""
        if not self._seats.fresh(seat):
            raise Refused(STALE, "desk.digits_needed")

    async def _item(self, tx: Tx, request: Request, seat: Seat) -> Item:
        id = request.path_params["id"]
        item = await queue.find(tx, self._house.vault, seat.officer, id) if _ID.fullmatch(id) else None
        if item is None:
            raise Refused(404, "error.item_gone")
        return item

    async def _shown(self, tx: Tx, request: Request, seat: Seat) -> Description:
        item = await self._item(tx, request, seat)
        try:
            return await describing.describe(tx, self._house.vault, self._house.policy.settings, seat.officer, item)
        except Invalid as why:
            raise Refused(404, f"error.{why.code}", **why.params) from None

    async def _ticketed(self, tx: Tx, request: Request, *, using: bool = True) -> tuple[Seat, Person, Paper]:
        seat = await self._seat(tx, request, using=using)
        shown = await self._shown(tx, request, seat)
        self._check(seat, shown.item, request.query_params.get("ticket", ""))
        if shown.paper is None or not shown.paper.file:
            raise Refused(404, "error.item_gone")
        return seat, await people.by_id(tx, self._house.vault, shown.item.owner), shown.paper

    def _ticket(self, seat: Seat, item: Item) -> str:
        return mac(self._house.vault.secret("desk_tickets"), seat.id, item.id, item.seen)

    def _check(self, seat: Seat, item: Item, ticket: str) -> None:
        secret = self._house.vault.secret("desk_tickets")
        if not _TICKET.fullmatch(ticket) or not fits(ticket, secret, seat.id, item.id, item.seen):
            raise Refused(404, "error.item_gone")


class _Narrowed(TypedDict):
    units: tuple[str, ...]
    kinds: tuple[queue.Kind, ...]
    slots: str
    before: int


def _filters(asked: Mapping[str, str], now: int) -> _Narrowed:
    """As `queue.waiting` takes them."""
    unit, kind, paper, days = (asked.get(name, "") for name in ("unit", "kind", "paper", "days"))
    if (unit and not _UNIT.fullmatch(unit)) or (paper and paper not in reading.KINDS_OF_PAPER):
        raise Refused(400)
    if days and days not in DAYS:
        raise Refused(400)
    kinds = tuple(each for each in KINDS if each == kind) if kind else KINDS
    if not kinds:
        raise Refused(400)
    return {
        "units": (unit,) if unit else (),
        "kinds": kinds,
        "slots": reading.KINDS_OF_PAPER.get(paper, "%"),
        "before": now - int(days or 0) * reading.DAY_MS,
    }


def _after(text: str) -> tuple[int, str]:
    if not text:
        return -1, ""
    found = _AFTER.fullmatch(text)
    if found is None:
        raise Refused(400)
    return int(found[1]), found[2]
