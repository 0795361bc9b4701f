"""Effects of the conversations of officers."""

from collections.abc import Sequence
from typing import Any

from bot import page_links
from bot.events import Invalid, Say
from bot.times import local_date
from bot.topic import Context, Equipment
from handlers.organisation import authority, proofs
from handlers.organisation.roles import Officer
from handlers.review import deciding, queue
from handlers.review import effects as do
from handlers.review.deciding import Decision
from handlers.review.describing import Description, describe, shown
from handlers.review.opening import MINUTES, PREFIX, PURPOSE
from handlers.review.packing import pack
from handlers.review.previews import Addresses
from handlers.review.queue import Item
from storage import audit


class Record:
    """The effects. What they show is written down, last of all."""

    def __init__(self, house: Equipment) -> None:
        self._addresses = Addresses(house.vault)

    async def next(self, context: Context, effect: do.Next) -> dict[str, Any]:
        officer = await self._officer(context)
        items = await queue.waiting(context.tx, context.vault, officer, after=(effect.at, effect.id), most=1)
        if not items:
            return {}
        left = await queue.counts(context.tx, officer)
        return await self._card(context, officer, items[0], sum(left.values()))

    async def gone(self, context: Context, effect: do.Gone) -> Say | bool:
        try:
            await self._item(context, effect.item, effect.seen)
        except Invalid as wrong:
            return _said(wrong)
        return False

    async def look(self, context: Context, effect: do.Look) -> dict[str, Any] | Say:
        try:
            officer, item = await self._item(context, effect.item, effect.seen)
            return await self._card(context, officer, item)
        except Invalid as wrong:
            return _said(wrong)

    async def open(self, context: Context, effect: do.Open) -> dict[str, Any] | Say:
        try:
            officer, item = await self._item(context, effect.item, effect.seen)
            if item.kind not in queue.PAPERS:
                raise Invalid("item_gone")
            about = {"paper": item.id, "seen": item.seen}
            path = await page_links.open_link(context, PREFIX, PURPOSE, about, minutes=MINUTES)
            return {**await self._card(context, officer, item), "path": path}
        except Invalid as wrong:
            return _said(wrong)

    async def decide(self, context: Context, effect: do.Decide) -> Say:
        try:
            officer = await self._officer(context)
            decision = Decision(effect.item, effect.seen, effect.wanted, effect.reason, effect.words, effect.sure)
            decided = await deciding.decide(
                context.tx, context.vault, context.settings, officer.person_id, decision,
                by=_by(context), now=context.now,
            )  # fmt: skip
        except Invalid as wrong:
            return _said(wrong)
        context.entries += decided.entries
        context.logged_out(decided.logged_out)
        return Say(f"review.{decided.verdict}")

    async def _officer(self, context: Context) -> Officer:
        """Raises `Invalid` unless it is an officer who has proved so in this chat: whatever a script might ask for."""
        visitor, settings = context.visitor, context.settings
        proof = await proofs.proved(context.tx, context.vault, settings, visitor.id, context.now)
        if proof is None or proof.person_id != visitor.person_id:
            raise Invalid("factor_over")
        today = local_date(context.now, settings.timezone)
        officer = await authority.officer(context.tx, context.vault, proof.person_id, today)
        if officer is None:
            raise Invalid("not_officer")
        return officer

    async def _item(self, context: Context, id: str, seen: str) -> tuple[Officer, Item]:
        officer = await self._officer(context)
        item = await queue.find(context.tx, context.vault, officer, id)
        if item is None:
            raise await deciding.too_late(context.tx, context.vault, context.settings, officer, id)
        if item.seen != seen:
            raise Invalid("item_changed")
        return officer, item

    async def _card(self, context: Context, officer: Officer, item: Item, left: int = 0) -> dict[str, Any]:
        found = await describe(context.tx, context.vault, context.settings, officer, item)
        pictures = self._addresses.of(item, sheets(found), officer.person_id, context.now)
        await audit.append(context.tx, context.vault, context.now, [shown(_by(context), found)])
        return card(found, pictures, left)


def sheets(found: Description) -> int:
    return found.paper.pages if found.paper and found.paper.file else 0


def card(found: Description, pictures: Sequence[str], left: int = 0) -> dict[str, Any]:
    """An item as JSON. `lines`, `title`: packed. `options`: [wanted, style, asks] of each. `place`: as the queue is
    ordered; `left`: how many wait, with this one, 0 where nobody asked."""
    item = found.item
    return {
        "kind": item.kind,
        "item": item.id,
        "seen": item.seen,
        "slot": item.slot,
        "place": list(item.place),
        "title": pack(found.title),
        "lines": pack(found.lines),
        "options": [[option.wanted, option.style, option.asks] for option in found.options],
        "name": found.name,
        "sheets": sheets(found),
        "pictures": list(pictures),
        "left": left,
    }


def _by(context: Context) -> str:
    return f"{context.visitor.channel}:{context.visitor.person_id}"


def _said(wrong: Invalid) -> Say:
    return Say(f"error.{wrong.code}", wrong.params)
