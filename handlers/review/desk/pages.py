"""The desk's own pages and the way to everything under `/console`."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot.http import Refused
from bot.outbox import Outbox
from bot.pages import HEADERS, Pages
from bot.topic import Equipment
from handlers.review.desk import reading
from handlers.review.desk.api import DAYS, Api
from handlers.review.desk.entering import PREFIX, Entrance
from handlers.review.desk.progress import ProgressPage
from handlers.review.desk.seats import Seats
from handlers.review.desk.strict import address_fits
from handlers.review.queue import KINDS, NEEDS

HERE = Path(__file__).parent
Answer = Callable[[Request], Awaitable[Response]]


def routes(house: Equipment, outbox: Outbox) -> list[BaseRoute]:
    seats = Seats(house)
    made = Pages(house.texts, HERE / "templates", "desk", ["/console/static/desk.css"], status=401, key="desk.closed")
    entrance, api, desk = Entrance(house, seats, made), Api(house, outbox, seats), DeskPage(house, seats, made)
    progress = ProgressPage(house, seats, made)

    def route(path: str, method: str, answer: Answer) -> Route:
        async def answered(request: Request) -> Response:
            try:
                address_fits(request)
                return await answer(request)
            except Refused as refused:
                words = house.texts(seats.language(request), refused.key or "desk.malformed", refused.params)
                return JSONResponse({"message": words}, refused.status)

        return Route(path, answered, methods=[method])

    item = "/console/api/items/{id}"
    return [
        Mount("/console/static", StaticFiles(directory=HERE / "static")),
        route(PREFIX + "/{token}", "GET", entrance.look),
        route(PREFIX + "/{token}", "POST", entrance.bind),
        route(PREFIX + "/{token}/code", "POST", entrance.code),
        route("/console/proof", "POST", entrance.proof),
        route("/console/leave", "POST", entrance.leave),
        route("/console/language/{language}", "POST", entrance.language),
        route("/console", "GET", desk.look),
        route("/console/progress", "GET", progress.look),
        route("/console/export/{campaign}", "POST", progress.export),
        route("/console/api/queue", "GET", api.queue),
        route("/console/api/waiting", "GET", api.waiting),
        route(item, "GET", api.item),
        route(item + "/pages/{page}", "GET", api.picture),
        route(item + "/original", "GET", api.original),
        route(item + "/national-id", "POST", api.national_id),
        route(item + "/verdict", "POST", api.verdict),
    ]


class DeskPage:
    def __init__(self, house: Equipment, seats: Seats, pages: Pages) -> None:
        self._house, self._seats, self._pages = house, seats, pages

    async def look(self, request: Request) -> Response:
        house, language = self._house, self._seats.language(request)
        async with house.database.write() as tx:
            seat = await self._seats.of(tx, request)
            if seat is None:
                return self._pages.gone(request)
            kinds = [kind for kind in KINDS if seat.officer.may(NEEDS[kind])]
            codes = sorted({code for kind in kinds for code in seat.officer.units(NEEDS[kind])})
            units = await reading.unit_names(tx, language, codes)
        if not kinds:  # whose role decides nothing has no queue, but perhaps numbers
            return RedirectResponse("/console/progress", 303, HEADERS)
        return self._pages.page(
            "desk.html",
            language,
            words=["desk."],
            me=seat.person.full_name,
            kinds=kinds,
            units=[(code, units.get(code, code)) for code in codes],
            papers=reading.papers(house.texts, language),
            ages=DAYS,
            here="desk",
        )
