"""Everything that documents bring into the house."""

from functools import partial

from bot.topic import Equipment, Flow, Topic
from handlers.documents import certify, desk, jobs, looking, record, script
from handlers.documents import effects as do
from storage.holdings import Holds

HOLDS = (
    Holds("pages", {"person_id": "people", "key_id": "keys"}, hidden=("content_index",)),
    Holds("papers", {"person_id": "people", "key_id": "keys"}, hidden=("content_index",)),
    Holds("signatures", {"person_id": "people", "key_id": "keys"}, id="person_id"),
    Holds("families", {"person_id": "people", "key_id": "keys"}, id="person_id"),
    Holds("listed", {"person_id": "people"}, id="person_id"),
)
KEPT = "documents.cancelled"  # what was sent stays


def topic(house: Equipment) -> Topic:
    return Topic(
        flows={
            "documents": Flow(script.documents, cancelled=KEPT),
            "family": Flow(script.family, part_of="documents", cancelled="documents.family_cancelled"),
            "paper": Flow(script.paper, part_of="documents", cancelled=KEPT),
            "submit": Flow(script.submit, part_of="documents", cancelled=KEPT),
        },
        effects={
            do.SaveFamily: record.save_family,
            do.TakeFile: record.take_file,
            do.Finish: record.finish,
            do.Discard: record.discard,
            do.AskWaiver: record.ask_waiver,
            do.DeclareSigned: record.declare_signed,
            do.OpenPage: record.open_page,
            do.Stamp: record.stamp,
            do.Submit: record.submit,
        },
        facts=record.facts(house),
        menu=lambda visitor: ("documents",) if visitor.logged_in else (),
        carriers={jobs.KIND: partial(desk.carrier, house), jobs.LOOKS: partial(looking.carrier, house)},
        unsent=record.unsent,
        greets=record.greets(house),
        holds=HOLDS,
        pages=partial(certify.routes, house),
    )
