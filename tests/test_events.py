"""Rows of the outbox that come back into a conversation as events."""

from typing import Any

import pytest

from bot.events import Refresh, Result, Say
from bot.notices import events
from bot.outbox import Entry
from bot.topic import Incoming
from storage.vault import Vault

KEY = Vault(b"a master key that is used in tests only").new_key()[0]
WHOSE = {"channel": "line", "external_id": "somchai"}
RESULT = {"flow": "login", "key": "laser", "attempt": "1", "value": True}
REFRESH = {"flow": "paper", "key": "pages", "elsewhere": "kept"}


async def carried(content: dict[str, Any]) -> tuple[Incoming, Entry]:
    heard: list[Incoming] = []

    async def take(incoming: Incoming) -> str:
        heard.append(incoming)
        return "done"

    entry = Entry.make("event", "result", {**WHOSE, **content}, KEY, now=1)
    for _ in range(2):  # the second time because nobody knew of the first
        await events(take).deliver(entry)
    first, again = heard
    assert first == again
    return first, entry


@pytest.mark.parametrize(
    ("content", "event"),
    [
        ({"result": RESULT}, Result("login", "laser", "1", True)),
        ({"refresh": REFRESH}, Refresh("paper", "pages", "kept")),
        (
            {"refresh": {**REFRESH, "say": [{"text": "blurred", "params": {"page": 2}}, {"text": "again"}]}},
            Refresh("paper", "pages", "kept", (Say("blurred", {"page": 2}), Say("again"))),
        ),
    ],
)
async def test_a_row_is_one_event_however_often_it_is_carried(content: dict[str, Any], event: object) -> None:
    incoming, entry = await carried(content)
    assert incoming == Incoming("line", "somchai", f"outbox:{entry.id}", event)  # type: ignore[arg-type]


async def test_what_answers_an_event_may_answer_with_its_token() -> None:
    incoming, _ = await carried({"refresh": REFRESH, "token": "reply", "token_until": 50})
    assert (incoming.token, incoming.token_until) == ("reply", 50)
