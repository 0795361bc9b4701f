"""What the bot does for people: one folder a topic. A new topic is a new folder and one line here."""

from collections.abc import Sequence

from bot.settings import Settings
from bot.topic import Topic
from handlers.identity.topic import topic as identity_topic  # `identity` would hide the folder of that name
from storage.vault import Vault


def topics(vault: Vault, settings: Settings) -> Sequence[Topic]:
    return (identity_topic(vault, settings),)
