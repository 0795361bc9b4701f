"""What other processes tell of the web chat: odd words end no listening."""

from collections.abc import AsyncGenerator
from typing import Any

import structlog

from bot.channels import relay
from storage.database import Unavailable


class Told:
    """A database that is told these."""

    def __init__(self, *words: str | None) -> None:
        self._words = words

    async def heard(self, _channel: str) -> AsyncGenerator[str | None, None]:
        for word in self._words:
            yield word


async def hears(*words: str | None, away: str = "") -> tuple[list[tuple[str, str]], int]:
    """→ what is shown, and how often something may have been missed. `away`: the message that cannot be read now."""
    shown: list[tuple[str, str]] = []
    missed: list[None] = []

    async def show(to: str, id: str) -> None:
        if id == away:
            raise Unavailable("gone")
        if id == "odd":
            raise KeyError("1999900000013")
        shown.append((to, id))

    database: Any = Told(*words)
    await relay.hear(database, "me", show, lambda: missed.append(None))
    return shown, len(missed)


async def test_what_others_have_shown_is_shown_here() -> None:
    assert await hears("other chat.1 a", "me chat.1 b", "other chat.2 c") == ([("chat.1", "a"), ("chat.2", "c")], 0)


async def test_what_may_have_been_missed_is_said() -> None:
    assert await hears(None, "other chat.1 a", "other chat.1 b", away="a") == ([("chat.1", "b")], 2)


async def test_an_odd_word_ends_no_listening() -> None:
    with structlog.testing.capture_logs() as said:
        assert await hears("", "hello", "other chat.1 odd", "other chat.1 a") == ([("chat.1", "a")], 0)
    assert [line["error"] for line in said] == ["ValueError", "ValueError", "KeyError"]
    assert "1999900000013" not in str(said)
