"""Everything that officers' own affairs bring into the house."""

from functools import partial

from bot.times import DAY
from bot.topic import Equipment, Flow, Kept, Topic, Visitor
from handlers.organisation import absences, factor_page, record, script
from handlers.organisation import effects as do
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


def _menu(visitor: Visitor) -> tuple[str, ...]:
    if not visitor.logged_in or not visitor.officer:
        return ()
    return ("second_factor",) if visitor.lacks_factor else ("hand_over",)


def topic(house: Equipment) -> Topic:
    return Topic(
        flows={"second_factor": Flow(script.second_factor), "hand_over": Flow(script.hand_over)},
        effects={
            do.NeedsFactor: record.needs_factor,
            do.OpenFactorPage: record.open_factor_page,
            do.FactorSetUp: record.factor_set_up,
            do.CheckFactor: record.check_factor,
            do.Colleagues: absences.look,
            do.HandOver: absences.hand_over,
            do.ComeBack: absences.come_back,
        },
        facts=standings(house),
        menu=_menu,
        sweeps=(absences.lapsing(house),),
        notices={absences.NOTICE: absences.told(house.vault)},
        kept=lambda _: (Kept("officer_sessions", "made_at", DAY), Kept("absences", "made_at", 365 * DAY)),
        holds=HOLDS,
        pages=partial(factor_page.routes, house),
    )
