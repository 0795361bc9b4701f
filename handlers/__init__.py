"""What the bot does for people: one folder a topic. A new topic is a new folder and one line here."""

from collections.abc import Sequence

from bot.policy import Policy
from bot.topic import Topic
from handlers.identity.topic import topic as identity_topic  # `identity` would hide the folder of that name
from storage.vault import Vault


def topics(vault: Vault, policy: Policy) -> Sequence[Topic]:
    return (identity_topic(vault, policy),)
