"""Everything that officers' own affairs bring into the house."""

from functools import partial

from bot.times import DAY
from bot.topic import Equipment, Flow, Kept, Topic
from handlers.organisation import effects as do
from handlers.organisation import factor_page, record, script
from handlers.organisation.standing import standings
from storage.holdings import Holds

HOLDS = (
    Holds("grants", {"person_id": "people", "key_id": "keys"}, hidden=("mac",)),
    Holds("absences", {"person_id": "people", "colleague_id": "people"}, hidden=("mac",)),
    Holds(
        "officer_sessions",
        {"person_id": "people", "account_id": "accounts"},
        hidden=("id", "session", "mac"),
    ),
    Holds("second_factors", {"person_id": "people", "key_id": "keys"}, hidden=("secret", "mac"), id="person_id"),
)


def topic(house: Equipment) -> Topic:
    return Topic(
        flows={"second_factor": Flow(script.second_factor)},
        effects={
            do.NeedsFactor: record.needs_factor,
            do.OpenFactorPage: record.open_factor_page,
            do.FactorSetUp: record.factor_set_up,
            do.CheckFactor: record.check_factor,
        },
        facts=standings(house),
        menu=lambda visitor: ("second_factor",) if visitor.logged_in and visitor.lacks_factor else (),
        kept=lambda _: (Kept("officer_sessions", "made_at", DAY), Kept("absences", "made_at", 365 * DAY)),
        holds=HOLDS,
        pages=partial(factor_page.routes, house),
    )
