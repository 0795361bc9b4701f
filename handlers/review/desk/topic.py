"""Everything that the desk brings into the house."""

from functools import partial

from bot.topic import Equipment, Flow, Topic
from handlers.organisation.standing import standings
from handlers.review.desk import effects as do
from handlers.review.desk import pages, record, script


def topic(house: Equipment) -> Topic:
    return Topic(
        flows={"desk": Flow(script.desk)},
        effects={do.OpenDesk: record.open_desk},
        facts=standings(house),
        menu=lambda visitor: ("desk",) if visitor.logged_in and visitor.officer else (),
        pages=partial(pages.routes, house),
    )
