"""Laws 2 and 3: a bug harms no neighbour, and a database that cannot refuses all and then takes all."""

import asyncio
import sqlite3

import pytest

from bot.batch import TRIES
from storage.database import Unavailable
from tests.databases import on_a_file, sqlite
from tests.turn.rig import (
    BANGS,
    ID,
    MAIL,
    Rig,
)


@pytest.mark.parametrize("fuse", ["boom", "constraint", "script"])
async def test_a_bug_harms_no_neighbour(rig: Rig, fuse: str) -> None:
    others = [f"person {n}" for n in range(9)]
    await rig.together(*(rig.event(who, "register") for who in others), rig.event("anan", "bomb"))
    events = [rig.event(who, ID) for who in others]
    events.insert(4, rig.event("anan", fuse, "the bad one"))
    outcomes = await rig.together(*events)
    assert outcomes.pop(4) == "dead"
    assert outcomes == ["done"] * 9
    for who in others:
        assert [*(await rig.talk(who)).frames[0].results] == ["id", "found"]
        assert len(rig.replies[who]) == 2
    assert await rig.rows("SELECT * FROM saved") == [], "something half-written stayed"
    [row] = await rig.rows("SELECT outcome FROM inbox WHERE event_id = 'the bad one'")
    assert row["outcome"] == "dead"
    assert rig.replies["anan"][-1] == ["error.internal", "home.choose"]
    assert rig.batches[-TRIES - 1 :].count(1) >= TRIES or rig.batches.count(1) > TRIES
    if fuse == "boom":
        assert BANGS.count("anan") >= TRIES
    assert await rig.together(rig.event("anan", fuse, "the bad one")) == ["duplicate"]
    assert (await rig.say("anan", "register"))[-1] == "ask.id"
    assert (await rig.say("anan", ID))[-1] == "ask.email"


async def test_facts_that_do_not_load_end_in_an_apology_too(rig: Rig) -> None:
    await rig.say("somchai", "register", ID)
    await rig.say("malee", "register")
    rig.poisoned = {"somchai"}
    outcomes = await rig.together(rig.event("somchai", MAIL), rig.event("malee", ID))
    assert outcomes == ["dead", "done"]
    assert rig.replies["somchai"][-1][0] == "error.internal"
    rig.poisoned = set()
    assert (await rig.say("somchai", "register"))[-1] == "ask.id"


async def test_an_account_whose_key_does_not_open_is_refused_and_its_neighbours_are_served(rig: Rig) -> None:
    for who in ("anan", "somchai", "malee"):
        await rig.say(who, "register")
    await rig.change(
        "UPDATE keys SET wrapped = 'x' WHERE id = (SELECT key_id FROM accounts WHERE external_id = 'somchai')"
    )
    batches = len(rig.batches)
    outcomes = await rig.together(*(rig.event(who, ID) for who in ("anan", "somchai", "malee")))
    assert outcomes == ["done", "dead", "done"]
    assert rig.batches[batches:] == [3], "it would fail for ever: nothing is tried again"
    assert rig.replies["anan"][-1] == rig.replies["malee"][-1] == ["ask.email"]
    assert len(rig.replies["somchai"]) == 1


@on_a_file
async def test_a_locked_database_refuses_all_and_then_takes_all(rig: Rig) -> None:
    await rig.say("somchai", "register")
    await sqlite(rig.database)._writer.execute("PRAGMA busy_timeout=10")
    lock = sqlite3.connect(sqlite(rig.database).path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    events = [rig.event("somchai", ID), *(rig.event(f"person {n}", "register") for n in range(5))]
    outcomes = await rig.together(*events)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 6
    assert len(await rig.rows("SELECT * FROM inbox")) == 1
    lock.execute("ROLLBACK")
    lock.close()
    assert await rig.together(*events) == ["done"] * 6
    assert rig.replies["somchai"][-1] == ["ask.email"]


@on_a_file
async def test_a_full_disk_refuses_all_leaves_nothing_half_written_and_then_takes_all(rig: Rig) -> None:
    await rig.say("somchai", "register")
    [pages] = await rig.rows("PRAGMA page_count")
    await sqlite(rig.database)._writer.execute(f"PRAGMA max_page_count={pages['page_count']}")
    events = [rig.event("somchai", ID), *(rig.event(f"person {n}", "register") for n in range(200))]
    outcomes = await rig.together(*events)
    assert {type(outcome) for outcome in outcomes} == {Unavailable}
    for table in ("inbox", "accounts", "conversations"):
        assert len(await rig.rows(f"SELECT * FROM {table}")) == 1
    assert "id" not in (await rig.talk("somchai")).frames[0].results
    await sqlite(rig.database)._writer.execute("PRAGMA max_page_count=1000000")
    assert set(await rig.together(*events)) == {"done"}
    assert rig.replies["somchai"] == [["ask.id"], ["ask.email"]]


async def test_after_closing_nothing_is_taken_and_what_was_taken_is_done(rig: Rig) -> None:
    taken = asyncio.create_task(rig.turn.take(rig.event("somchai", "register")))
    await asyncio.sleep(0)
    rig.turn.start()
    await rig.turn.stop()
    assert await taken == "done"
    with pytest.raises(Unavailable):
        await rig.turn.take(rig.event("somchai", ID))
