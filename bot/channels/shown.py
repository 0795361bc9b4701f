"""What stands in a stored message, whichever version of KP7 wrote it. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any


def pictures_of(message: Mapping[str, Any]) -> Sequence[str]:
    """`message`: the JSON form of `bot.events.Message`, which once had a single `picture`, "" for none."""
    return message.get("pictures") or [path for path in (message.get("picture"),) if path]
