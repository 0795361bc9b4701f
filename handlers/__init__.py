"""What the bot does for people: one folder a topic. A new topic is a new folder and one line here."""

from collections.abc import Sequence

from bot.topic import Equipment, Topic
from handlers.documents import topic as documents_topic  # `documents` would hide the folder of that name
from handlers.identity import topic as identity_topic
from handlers.organisation import topic as organisation_topic
from handlers.review import topic as review_topic
from handlers.review.desk import topic as desk_topic
from storage import holdings
from storage.holdings import Holds


def topics(house: Equipment) -> Sequence[Topic]:
    return (
        documents_topic.topic(house),
        review_topic.topic(house),
        desk_topic.topic(house),
        organisation_topic.topic(house),
        identity_topic.topic(house.vault, house.policy),
    )


def holds() -> tuple[Holds, ...]:
    """Every table with something about people in it, in the order in which rows can be deleted."""
    return (
        *documents_topic.HOLDS,
        *review_topic.HOLDS,
        *organisation_topic.HOLDS,
        *identity_topic.HOLDS,
        *holdings.HOLDS,
    )
