"""What watches over KP7: /healthz, /readyz, /metrics, and a log that an attacker cannot fill."""

import asyncio
import re
from collections.abc import AsyncIterator, MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from bot import logs, metrics
from bot.app import Kp7, running, web_app
from bot.health import BACKLOG, Backlog, backlog
from bot.settings import Settings
from storage.database import Database
from tests.house import KEY, House

ELSEWHERE = ("203.0.113.9", 1)


def settings(folder: Path, **more: Any) -> Settings:
    return Settings(_env_file=None, database_url=f"sqlite:///{folder}/kp7.db", master_key=KEY, web_chat=True, **more)


@pytest.fixture
async def kp7(tmp_path: Path) -> AsyncIterator[Kp7]:
    async with running(settings(tmp_path)) as kp7:
        yield kp7


async def get(
    kp7: Kp7,
    path: str,
    client: tuple[str, int] = ("127.0.0.1", 1),
    *,
    forwarded: dict[str, str] | None = None,
    host: str = "127.0.0.1:8080",
) -> httpx.Response:
    transport = httpx.ASGITransport(web_app(kp7), client=client)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as browser:
        return await browser.get(path, headers=forwarded)


async def insert(database: Database, due_at: int, *, dead: bool = False) -> None:
    async with database.write() as tx:
        await tx.run(
            "INSERT INTO outbox (id, lane, kind, purpose, key_id, body, due_at, wanted_at, expires_at, dead_at) VALUES "
            "(lower(hex(randomblob(8))), 'x', 'mail', 'x', 'x', '', :due, :due, :due, :dead)",
            {"due": due_at, "dead": due_at if dead else None},
        )


# --- ready ------------------------------------------------------------------------------------------------------------


async def test_ready_when_all_is_well(kp7: Kp7) -> None:
    response = await get(kp7, "/readyz", ELSEWHERE)
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "down": [], "delivery": "ok"}
    assert (await get(kp7, "/healthz", ELSEWHERE)).status_code == 200


@pytest.mark.parametrize("part", ["batcher", "outbox", "schedule"])
async def test_not_ready_when_a_part_has_died(tmp_path: Path, part: str) -> None:
    async with running(settings(tmp_path)) as kp7:
        (task,) = (task for task in asyncio.all_tasks() if task.get_name() == part)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        response = await get(kp7, "/readyz")
        assert response.status_code == 503
        assert response.json()["down"] == [part]
        assert (await get(kp7, "/healthz")).status_code == 200, "it lives, and must not be killed for it"
        if part == "batcher":  # stopping waits for it
            kp7.turn.start()


async def test_not_ready_without_a_database(tmp_path: Path) -> None:
    async with running(settings(tmp_path)) as kp7:
        async with kp7.database.write() as tx:
            await tx.run("ALTER TABLE outbox RENAME TO gone")
        response = await get(kp7, "/readyz")
        assert response.status_code == 503
        assert response.json()["down"] == ["database"]
        measured = await get(kp7, "/metrics")
        assert measured.status_code == 200, "wanted most when something is wrong"
        assert 'kp7_outbox_rows{state="waiting"} NaN' in measured.text


async def test_a_delivery_that_is_behind_is_said_and_takes_nobody_away(tmp_path: Path) -> None:
    # on a database of its own, where no worker touches the row
    database = await Database.open(f"sqlite:///{tmp_path}/kp7.db")
    await database.migrate()
    await insert(database, due_at=1_000)
    await insert(database, due_at=100_000)
    await insert(database, due_at=10, dead=True)
    assert await backlog(database, now=62_000) == Backlog(waiting=2, dead=1, overdue_seconds=61.0)
    assert (await backlog(database, now=500)).overdue_seconds == 0
    async with database.read() as tx:
        plan = [row["detail"] for row in await tx.all("EXPLAIN QUERY PLAN " + BACKLOG)]
    await database.close()
    assert len([step for step in plan if " outbox USING " in step]) == 3, plan


async def test_behind_is_still_ready(kp7: Kp7) -> None:
    """Whoever asks again at once hears the same."""
    clock = kp7.clock
    await kp7.outbox.stop()
    asyncio.get_running_loop().create_task(asyncio.sleep(30), name="outbox")  # alive, and does nothing
    await insert(kp7.database, due_at=clock() - 61_000)
    response = await get(kp7, "/readyz")
    assert response.status_code == 200
    assert response.json()["delivery"] == "behind"
    measured = (await get(kp7, "/metrics")).text
    found = re.search(r"^kp7_outbox_oldest_due_seconds (\S+)", measured, re.MULTILINE)
    assert found
    assert float(found[1]) > 60


# --- metrics ----------------------------------------------------------------------------------------------------------


async def test_metrics_are_for_this_machine(tmp_path: Path) -> None:
    async with running(settings(tmp_path)) as kp7:
        assert (await get(kp7, "/metrics")).status_code == 200
        assert (await get(kp7, "/metrics", ("::1", 1))).status_code == 200
        assert (await get(kp7, "/metrics", ELSEWHERE)).status_code == 404
        assert (await get(kp7, "/metrics", host="kp7.example.go.th")).status_code == 404, "a name that leads here"
        for name in ("x-forwarded-for", "forwarded", "via", "x-real-ip"):
            assert (await get(kp7, "/metrics", forwarded={name: "127.0.0.1"})).status_code == 404
    async with running(settings(tmp_path, metrics_public=True)) as kp7:
        assert (await get(kp7, "/metrics", ELSEWHERE)).status_code == 200


def value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


def test_what_is_counted() -> None:
    before, events = value("kp7_batch_events_sum"), value("kp7_events_total", channel="line", outcome="done")
    postponed = value("kp7_deliveries_total", kind="mail", outcome="postponed")
    metrics.event("line", "done")
    metrics.event("line", "done")
    metrics.batch(7, 0.004)
    metrics.delivery("mail", "postponed")
    assert value("kp7_events_total", channel="line", outcome="done") - events == 2
    assert value("kp7_batch_events_sum") - before == 7
    assert value("kp7_deliveries_total", kind="mail", outcome="postponed") - postponed == 1


async def test_what_prometheus_reads(kp7: Kp7) -> None:
    response = await get(kp7, "/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    names = {family.name for family in text_string_to_metric_families(response.text)}
    assert {"kp7_events", "kp7_batch_seconds", "kp7_outbox_rows", "process_resident_memory_bytes"} <= names


async def test_nobody_can_be_found_in_the_labels(house: House) -> None:
    chat = await house.somebody()
    await chat.begins("1-9999-00000-03-0")
    async with httpx.AsyncClient() as stranger:
        await stranger.get(house.url + "/chat/1999900000030", headers={"user-agent": "1999900000030"})
        text = (await stranger.get(house.url + "/metrics")).text
    assert "19999" not in text
    allowed = {"channel", "outcome", "reason", "kind", "state", "le"}
    assert set(re.findall(r"[{,](\w+)=", text)) <= allowed
    assert all(re.fullmatch(r"[a-z_ ]+|[\d.]+|\+Inf", label) for label in re.findall(r'="([^"]*)"', text))


# --- a log that nobody can fill ---------------------------------------------------------------------------------------


def test_a_thousand_refusals_are_two_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    with structlog.testing.capture_logs() as said:
        _a_thousand_refusals(said, monkeypatch)


def _a_thousand_refusals(said: list[MutableMapping[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr("bot.logs.time.monotonic", lambda: now[0])
    monkeypatch.setattr(logs, "_silent", {})
    for _ in range(1_000):
        metrics.refused("line", "signature")
        logs.tell()
    metrics.refused("line", "too_large")
    assert [(line["reason"], line["times"]) for line in said] == [("signature", 1), ("too_large", 1)]
    now[0] += logs.SILENCE_SECONDS + 1
    logs.tell()
    logs.tell()
    assert [(line["reason"], line["times"]) for line in said[2:]] == [("signature", 999)]
    metrics.refused("line", "signature")
    assert len(said) == 3, "a new silence has begun"
    logs.tell(all_of_it=True)
    assert said[-1]["times"] == 1
