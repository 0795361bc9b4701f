"""Parsers for `bot.flow.Ask`: from what a person sends to the value that is kept."""

from collections.abc import Callable
from typing import TypeVar

from bot.events import File, Invalid, Text

T = TypeVar("T")


def typed(read: Callable[[str], T]) -> Callable[[Text | File], T]:
    """An answer in words, as `read` takes them (see `bot.thai`)."""

    def parse(event: Text | File) -> T:
        if isinstance(event, File):
            raise Invalid("text_wanted")
        return read(event.body)

    return parse
