"""Everything that HR's review brings into the house."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from bot.outbox import Outbox
from bot.topic import Equipment, Flow, Topic
from handlers.organisation.standing import standings
from handlers.review import effects as do
from handlers.review import opening, script
from handlers.review.deciding import RESULTS
from handlers.review.previews import Previews
from handlers.review.prompts import prompting
from handlers.review.record import Record
from handlers.review.results import verdicts_told
from storage.holdings import Holds

HOLDS = (
    Holds("verdicts", {"person_id": "people", "key_id": "keys"}, hidden=("content_index", "mac")),
    Holds("prompts", {"person_id": "people"}, id="person_id"),
)


def topic(house: Equipment) -> Topic:
    record = Record(house)

    def pages(_: Outbox) -> Sequence[BaseRoute]:
        return (*Previews(house).routes(), *opening.routes(house))

    return Topic(
        flows={
            "review": Flow(script.review),
            "approve": Flow(script.approve),
            "return_item": Flow(script.return_item),
            "open_item": Flow(script.open_item),
        },
        acts={"a": "approve", "r": "return_item", "o": "open_item"},
        effects={
            do.Next: record.next,
            do.Gone: record.gone,
            do.Look: record.look,
            do.Open: record.open,
            do.Decide: record.decide,
        },
        facts=standings(house),
        menu=lambda visitor: ("review",) if visitor.logged_in and visitor.officer else (),
        notices={RESULTS: verdicts_told(house.vault)},
        sweeps=(prompting(house),),
        holds=HOLDS,
        pages=pages,
    )
