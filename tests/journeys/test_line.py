"""Journeys while LINE fails more often than not: everybody gets through, and sees each screen once.

Six faults at a tenth each: not now, trouble before and after it was accepted, no answer, a connection that breaks
before and after. What is patched is only how long one waits.
"""

import asyncio
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from bot import outbox
from bot.channels.line import api
from bot.channels.line.fake import Faults
from tests.channels.line.openapi import needs_openapi, validate_request
from tests.house import House, LineChat, a_house
from tests.journeys.test_identity import JOURNEYS, Journey, log_in
from tests.security.tools import rows

RATES = dict.fromkeys(
    ("rate_429", "rate_500", "rate_500_after", "rate_timeout", "rate_close_before", "rate_close_after"), 0.1
)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundredths of a second where it would be seconds."""
    monkeypatch.setattr(api, "TIMEOUT_SECONDS", 0.25)
    monkeypatch.setattr(api, "RATE_WAIT", 100)
    monkeypatch.setattr(outbox, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(outbox, "GRACE", 500)  # an answer that is lost: what comes next waits behind what is out
    monkeypatch.setattr("bot.outbox.outbox.random", SimpleNamespace(uniform=lambda _least, _most: 0.01))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many events each person has sent."""
    counted: Counter[str] = Counter()
    sends = LineChat.sends

    async def counting(self: LineChat, *events: dict[str, Any]) -> httpx.Response:
        counted[self.user] += len(events)
        return await sends(self, *events)

    monkeypatch.setattr(LineChat, "sends", counting)
    return counted


async def all_out(house: House) -> None:
    async with asyncio.timeout(20):
        while await rows(house, "SELECT 1 FROM outbox WHERE kind = 'line'"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.__name__)
async def test_journey_while_line_fails(tmp_path: Path, journey: Journey, sent: Counter[str]) -> None:
    faults = Faults(JOURNEYS.index(journey) + 1, **RATES)
    async with a_house(tmp_path, channel="line", faults=faults) as house:
        chat = await house.somebody()
        await journey(house, chat)
        await all_out(house)
        assert isinstance(chat, LineChat)
        assert house.line
        assert len(house.line.faults_met) > 5
        assert len(chat.screens) == sent[chat.user], "one screen for each thing that the person did"
        cards = [screen["buttons"][-1]["data"] for screen in chat.screens]
        questions = [data for data in cards if not data.startswith("go:")]
        assert len(set(questions)) == len(questions)
        assert not await rows(house, "SELECT 1 FROM outbox WHERE dead_at IS NOT NULL")


def test_every_fault_is_met() -> None:
    """The seeds above are not ones that spare us."""
    met: Counter[str] = Counter()
    for seed in range(1, len(JOURNEYS) + 1):
        faults = Faults(seed, **RATES)
        met.update(fault for _ in range(20) if (fault := faults.draw()))
    assert set(met) == {name.removeprefix("rate_") for name in RATES}
    assert min(met.values()) > 5


@needs_openapi
async def test_what_the_houses_check_reads_is_what_went_out(tmp_path: Path) -> None:
    """Every journey on LINE is held against LINE's own description when its house closes (see `tests.house`)."""
    async with a_house(tmp_path, channel="line") as house:
        chat = await house.somebody()
        await log_in(house, chat)
        assert house.line
        calls = [(call.endpoint, call.body) for call in house.line.accepted]
    assert {endpoint for endpoint, _ in calls} == {"reply"}
    for endpoint, body in calls:
        assert validate_request(f"/v2/bot/message/{endpoint}", body) == []
        assert validate_request(f"/v2/bot/message/{endpoint}", {**body, "colour": "red"}) != []
