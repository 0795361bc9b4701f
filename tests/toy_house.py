"""A whole house with one topic more than its own, and the words of it."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import handlers
from bot import app
from bot.text import Texts
from bot.topic import Equipment, Topic
from tests.house import House, a_house


@asynccontextmanager
async def a_toy_house(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    toy: Callable[[Equipment], Topic],
    words: Mapping[str, str],
    **more: Any,
) -> AsyncIterator[House]:
    """`words`: the same in both languages. `more`: see `a_house`."""
    topics = handlers.topics

    def texts(**given: Any) -> Texts:
        made = Texts(**given)
        for catalogue in made._catalogues.values():
            catalogue.update(words)
        return made

    monkeypatch.setattr(app, "topics", lambda given: (*topics(given), toy(given)))
    monkeypatch.setattr(app, "Texts", texts)
    async with a_house(folder, **more) as house:
        yield house
