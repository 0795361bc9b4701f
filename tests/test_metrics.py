"""What watches over KP7: /healthz, /readyz, /metrics, and a log that an attacker cannot fill."""

import asyncio
import json
import re
import time
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
from bot.lookout import Lookout
from bot.settings import Settings
from bot.standing import Failing, Standing
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
    await kp7.lookout.once()
    response = await get(kp7, "/readyz", ELSEWHERE)
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "down": [], "delivery": "ok", "schedule": "ok", "files": "ok"}
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


async def test_files_that_are_away_are_told_but_take_nothing_down(tmp_path: Path) -> None:
    place = tmp_path / "kp7.db.files"
    place.write_text("a file where the folder should be")
    async with running(settings(tmp_path)) as kp7:
        with structlog.testing.capture_logs() as said:
            for _ in range(2):
                await kp7.lookout.once()
        response = await get(kp7, "/readyz")
        assert (response.status_code, response.json()["status"], response.json()["files"]) == (200, "ok", "away")
        place.unlink()
        with structlog.testing.capture_logs() as then:
            await kp7.lookout.once()
        assert (await get(kp7, "/readyz")).json()["files"] == "ok"
    assert [line["event"] for line in (*said, *then)][-1] == "files_back"
    assert len([line for line in said if line["event"] == "files_away"]) <= 1, "not a line each time"


class Hanging:
    """A share that neither answers nor fails, once it has been well."""

    def __init__(self) -> None:
        self.hangs = False

    async def look(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()


async def test_a_store_that_hangs_keeps_nobody_waiting_and_is_away_after_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1_000.0
    monkeypatch.setattr("bot.lookout.time.monotonic", lambda: now)
    monkeypatch.setattr("bot.lookout.EVERY_SECONDS", 0)
    share: Any = Hanging()
    lookout = Lookout(share)
    lookout.start()
    seen = [lookout.standing]
    await asyncio.sleep(0)
    seen.append(lookout.standing)
    share.hangs = True
    for seconds in (60, 1):
        now += seconds
        seen.append(lookout.standing)
    assert seen == ["unknown", "ok", "ok", "away"]
    await lookout.stop()


async def test_a_store_that_fails_in_its_own_way_is_away_and_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = asyncio.Event()

    class Odd:
        looks = 0

        async def look(self) -> None:
            self.looks += 1
            if self.looks == 1:
                raise ZeroDivisionError("a library's own")
            if self.looks == 3:
                seen.set()

    monkeypatch.setattr("bot.lookout.EVERY_SECONDS", 0)
    store: Any = Odd()
    lookout = Lookout(store)
    with structlog.testing.capture_logs() as said:
        lookout.start()
        await asyncio.wait_for(seen.wait(), 30)
    assert lookout.standing == "ok"
    await lookout.stop()
    assert [line["event"] for line in said] == ["files_away", "files_back"]
    assert "a library's own" not in str(said)


async def test_a_schedule_that_fails_is_told_but_takes_nothing_down(kp7: Kp7) -> None:
    assert kp7.schedule.standing
    now = kp7.clock()
    kp7.schedule.standing = Standing(now - 400_000, {"purge_inbox": Failing(now - 400_000, "away")})
    await kp7.pulse.once()
    response = await get(kp7, "/readyz")
    assert (response.status_code, response.json()["schedule"]) == (200, "failing")
    assert "inbox" not in response.text, "anybody may ask"
    measured = (await get(kp7, "/metrics")).text
    assert "kp7_schedule_failing_chores 1.0" in measured
    found = re.search(r"^kp7_schedule_seconds (\S+)", measured, re.MULTILINE)
    assert found
    assert float(found[1]) >= 400
    kp7.schedule.standing = Standing(kp7.clock())
    await kp7.pulse.once()
    assert "kp7_schedule_failing_chores 0.0" in (await get(kp7, "/metrics")).text


async def test_a_schedule_that_runs_nowhere(tmp_path: Path) -> None:
    async with running(settings(tmp_path), worker=False) as kp7:
        assert (await get(kp7, "/readyz")).json()["schedule"] == "absent"
        assert "kp7_schedule_seconds +Inf" in (await get(kp7, "/metrics")).text


async def beside(database: Database, schedule: str) -> None:
    """Another process, which says of its schedule what it says."""
    async with database.write() as tx:
        await tx.run(
            "INSERT INTO processes (id, reads, schedule, seen_at) VALUES ('other', '', :schedule, :now)",
            {"schedule": schedule, "now": int(time.time() * 1000)},
        )


async def test_a_process_of_another_version_takes_nothing_down(kp7: Kp7) -> None:
    """As while an upgrade goes round."""
    now = kp7.clock()
    failing = {"tells": {"since": now, "why": "away", "times": 3}}
    await beside(kp7.database, json.dumps({"whole_at": now, "failing": failing, "slow": ["purge"]}))
    response = await get(kp7, "/readyz")
    assert (response.status_code, response.json()["down"]) == (200, [])
    assert response.json()["schedule"] == "failing"


async def test_how_the_schedule_stands_cannot_be_read(kp7: Kp7) -> None:
    """That is no fault of the database's, and no reason to take this process away."""
    await beside(kp7.database, '{"since": "yesterday"}')
    with structlog.testing.capture_logs() as said:
        response = await get(kp7, "/readyz")
    assert (response.status_code, response.json()["down"]) == (200, [])
    assert (response.json()["delivery"], response.json()["schedule"]) == ("ok", "unknown")
    assert [(line["event"], line["channel"], line["reason"]) for line in said] == [
        ("not_readable", "schedule", "KeyError")
    ]
    measured = (await get(kp7, "/metrics")).text
    assert 'kp7_outbox_rows{state="waiting"} 0.0' in measured
    assert "kp7_schedule_seconds NaN" in measured


# --- metrics ----------------------------------------------------------------------------------------------------------


async def test_metrics_are_for_this_machine(tmp_path: Path) -> None:
    async with running(settings(tmp_path)) as kp7:
        assert (await get(kp7, "/metrics")).status_code == 200
        assert (await get(kp7, "/metrics", ("::1", 1))).status_code == 200
        assert (await get(kp7, "/metrics", ELSEWHERE)).status_code == 404
        assert (await get(kp7, "/metrics", host="kp7.example.go.th")).status_code == 404, "a name that leads here"
        for name in ("x-forwarded-for", "forwarded", "via", "x-real-ip"):
            assert (await get(kp7, "/metrics", forwarded={name: "127.0.0.1"})).status_code == 404
        for nameless in ("[", "[::1", ""):
            assert (await get(kp7, "/metrics", forwarded={"host": nameless})).status_code == 404
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
    assert not re.search(r"1-?9999-?00000-?03-?0", text)
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
