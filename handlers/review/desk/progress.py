"""How far the units are, and their papers as a ZIP.

GET  /console/progress            the page: a row for each unit, and a chart
POST /console/export/<campaign>   the ZIP, streamed; the second factor must have been shown lately (SES2)
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from bot.events import Invalid
from bot.http import Refused
from bot.pages import HEADERS, Pages
from bot.topic import Equipment
from handlers.documents import campaigns
from handlers.documents.campaigns import Campaign
from handlers.review import export
from handlers.review.desk import reading
from handlers.review.desk.seats import Seat, Seats
from handlers.review.desk.strict import from_here
from handlers.review.numbers import Numbers, numbers

COLUMNS = ("listed", "incomplete", "complete", "certified", "waiting", "returned", "approved")
PARTS = ("certified", "complete", "rest")  # of a bar


class ProgressPage:
    def __init__(self, house: Equipment, seats: Seats, pages: Pages) -> None:
        self._house, self._seats, self._pages = house, seats, pages

    async def look(self, request: Request) -> Response:
        house, language = self._house, self._seats.language(request)
        async with house.database.write() as tx:
            seat = await self._seats.of(tx, request)
            if seat is None:
                return self._pages.gone(request)
            found = [one for one, _ in await campaigns.every(tx, house.texts.timezone.key)]
            names = await reading.unit_names(tx, language, sorted(seat.officer.units("numbers")))
        wanted = request.query_params.get("campaign", "")
        campaign = next((one for one in found if one.id == wanted), found[-1] if found else None)
        units = await self._numbers(seat, campaign, names) if campaign and seat.officer.may("numbers") else []
        return self._pages.page(
            "progress.html",
            language,
            words=["desk.unsent", "desk.sending", "desk.export"],
            data={"fresh": self._seats.fresh(seat)},
            me=seat.person.full_name,
            here="progress",
            campaign=campaign,
            campaigns=found,
            columns=COLUMNS,
            units=units,
            whole=_sum(units),
            parts=PARTS,
            may_export=seat.officer.may("export"),
        )

    async def _numbers(self, seat: Seat, campaign: Campaign, names: Any) -> list[dict[str, Any]]:
        found = await numbers(self._house.database, self._house.vault, campaign, seat.officer.units("numbers"))
        return [_row(one, names.get(one.unit, one.name)) for one in found]

    async def export(self, request: Request) -> Response:
        house = self._house
        from_here(request, house.policy.settings.address)
        async with house.database.write() as tx:
            seat = await self._seats.of(tx, request)
        if seat is None:
            return self._pages.gone(request)
        if not self._seats.fresh(seat):
            return RedirectResponse("/console/progress", 303, HEADERS)
        made_with = export.House(
            house.database, house.vault, house.files, house.texts, house.texts.timezone.key, house.clock
        )
        wanted = export.Wanted(request.path_params["campaign"], officer=seat.officer.person_id)
        try:
            plan = await export.prepare(made_with, wanted)
        except (campaigns.Refused, Invalid):
            raise Refused(404, "error.item_gone") from None
        name = f"kp7-{plan.campaign.id}.zip"  # of ours: nothing that anybody wrote
        return StreamingResponse(
            export.stream(made_with, plan, by=seat.by),
            media_type="application/zip",
            headers={"content-disposition": f'attachment; filename="{name}"', **HEADERS},
        )


def _row(one: Numbers, name: str) -> dict[str, Any]:
    """`COLUMNS` and more. Of people everybody stands in one column: listed = incomplete + complete + certified."""
    found = {field.name: getattr(one, field.name) for field in fields(one)}
    sent = max(one.complete, one.certified)
    found |= {"incomplete": one.listed - sent, "complete": sent - one.certified, "name": name}
    return {**found, "bar": _bar(found)}


def _bar(row: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """Parts of a bar 100 wide: which, from where, how wide."""
    if not row["listed"]:
        return []
    certified, complete = (round(100 * row[part] / row["listed"], 2) for part in PARTS[:2])
    return [("certified", 0, certified), ("complete", certified, complete)]


def _sum(units: Sequence[dict[str, Any]]) -> dict[str, Any]:
    whole: dict[str, Any] = {column: sum(unit[column] for unit in units) for column in COLUMNS}
    return {**whole, "bar": _bar(whole)}
