"""What the bot does for people: one folder a topic. A new topic is a new folder and one line here."""

from collections.abc import Sequence

from bot.settings import Settings
from bot.topic import Topic
from handlers.identity import record as identity
from storage.vault import Vault


def topics(vault: Vault, settings: Settings) -> Sequence[Topic]:
    return (identity.topic(vault, settings),)
