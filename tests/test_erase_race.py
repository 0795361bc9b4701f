"""Somebody is erased while they log in. Whoever comes first: nothing of them stays, and nobody is stuck."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot import erase
from bot.app import ledger_of, wire
from bot.turn import Turn
from storage import audit, erasures, holdings
from storage.database import CONFLICTS, Conflict, Database
from storage.people import national_id_index
from tests.cast import SOMCHAI
from tests.command import told
from tests.databases import WAITS
from tests.house import Chat, House, a_house
from tests.security.tools import rows


@pytest.fixture
async def house(tmp_path: Path, database_url: str) -> AsyncIterator[House]:
    async with a_house(tmp_path, database_url=database_url) as house:
        yield house


class Officer:
    """`kp7 person erase`, with a connection of its own, as in a process beside the server."""

    def __init__(self, house: House, database: Database) -> None:
        self.house, self.database = house, database

    async def erases(self) -> erase.Done | None:
        kp7 = wire(self.house.settings, self.database, self.house.kp7.vault, self.house.clock)
        index = national_id_index(kp7.vault, SOMCHAI.national_id)
        return await erase.erase(
            self.database, kp7.vault, kp7.registry.holds, ledger_of(kp7.settings, kp7.vault), kp7.outbox, kp7.notices,
            index, self.house.clock(), by="cli:hr",
        )  # fmt: skip


@pytest.fixture
async def officer(house: House, database_url: str) -> AsyncIterator[Officer]:
    database = await Database.open(database_url)
    yield Officer(house, database)
    await database.close()


async def traces(house: House, person: dict[str, Any]) -> list[str]:
    """Rows that still name this person, or open to something of theirs. But the lines of the audit log."""
    kp7, found = house.kp7, []
    names = (person["id"], person["key_id"], person["id_index"])
    words = (SOMCHAI.email, "somchai", "ชัยทดสอบ", "สมชาย")
    async with kp7.database.read() as tx:
        keys = {row["id"]: row["wrapped"] for row in await tx.all("SELECT id, wrapped FROM keys")}
        for table in await kp7.database.tables(tx):
            if table.name in ("audit", "typed_ids"):  # the ID may have been typed again, as anybody's
                continue
            for row in await tx.all(f'SELECT * FROM "{table.name}"'):
                text = json.dumps(row, ensure_ascii=False)
                for column, value in row.items():
                    if isinstance(value, str) and (sealed := re.fullmatch(r"1\.([0-9a-z]{26})\.[\w-]+", value)):
                        key = kp7.vault.unwrap(sealed[1], keys[sealed[1]])
                        id = str(row.get("id") or row.get("account_id"))
                        text += json.dumps(key.open(value, table.name, id, column), ensure_ascii=False)
                if any(one in text for one in (*names, *words)):
                    found.append(f"{table.name}: {text}")
    return found


async def somchai(house: House) -> dict[str, Any]:
    index = national_id_index(house.kp7.vault, SOMCHAI.national_id)
    (person,) = await rows(house, "SELECT id, key_id, id_index FROM people WHERE id_index = :i", i=index)
    return person


async def types_the_id(chat: Chat) -> Callable[[], Awaitable[Any]]:
    await chat.taps("menu.login")
    await chat.taps("choice.acknowledge")
    return lambda: chat.post({"text": SOMCHAI.national_id})


async def types_the_code(chat: Chat) -> Callable[[], Awaitable[Any]]:
    await chat.begins(SOMCHAI.national_id)
    code = await chat.house.code_for(SOMCHAI.email)
    return lambda: chat.post({"text": code})


async def gives_up(chat: Chat) -> Callable[[], Awaitable[Any]]:
    """A stranger, with a code on its way: what they say now has nothing to do with the record."""
    await chat.begins(SOMCHAI.national_id)
    return lambda: chat.post({"text": "ยกเลิก"})


async def types_the_code_on_a_second_phone(chat: Chat) -> Callable[[], Awaitable[Any]]:
    first = await chat.house.somebody()
    await first.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    mailed = len(chat.house.post.mails)
    chat.house.clock.forward(minutes=2)
    await chat.begins(SOMCHAI.national_id)
    code = await chat.house.code_for(SOMCHAI.email, after=mailed)
    return lambda: chat.post({"text": code})


async def asks_for_the_record(chat: Chat) -> Callable[[], Awaitable[Any]]:
    await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    data = chat.screen.data(chat.house.kp7.texts("th", "menu.profile"))
    return lambda: chat.post({"press": data})


STEPS = (types_the_id, gives_up, types_the_code, types_the_code_on_a_second_phone, asks_for_the_record)


@asynccontextmanager
async def held(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> AsyncIterator[asyncio.Event]:
    """Whoever calls this first waits in the midst of their transaction until the block ends. → set once they wait"""
    there, go = asyncio.Event(), asyncio.Event()
    real = getattr(owner, name)

    async def waits(*args: Any, **named: Any) -> Any:
        if not there.is_set():
            there.set()
            await go.wait()
        return await real(*args, **named)

    monkeypatch.setattr(owner, name, waits)
    try:
        yield there
    finally:
        go.set()


async def waits_or_is_done(house: House, task: asyncio.Future[Any]) -> None:
    """On a file it surely waits: there is one who writes."""
    if house.kp7.database.kind == "sqlite":
        await asyncio.sleep(0.05)
        return
    async with asyncio.timeout(30):
        while not task.done() and not await rows(house, WAITS):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def ends_well(house: House, chat: Chat, person: dict[str, Any]) -> None:
    house.clock.forward(seconds=6)
    async with asyncio.timeout(10):
        while await rows(house, "SELECT 1 FROM outbox WHERE dead_at IS NULL"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await chat.says("สวัสดี")  # the lane is not stuck
    assert await traces(house, person) == []


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("first", ["the turn", "the turn, at its end", "the erasure", "the erasure, at its end"])
async def test_erased_while_they_log_in(
    house: House, officer: Officer, step: Any, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = await house.somebody()
    act = await step(chat)
    person = await somchai(house)
    assert await traces(house, person) != []
    owner, name = {
        "the turn": (Turn, "_facts"),
        "the turn, at its end": (Turn, "_save"),
        "the erasure": (holdings, "delete"),
        "the erasure, at its end": (audit, "append"),
    }[first]
    one, other = (act, officer.erases) if "turn" in first else (officer.erases, act)
    async with held(monkeypatch, owner, name) as there:
        begun = asyncio.ensure_future(one())
        await there.wait()
        beside = asyncio.ensure_future(other())
        await waits_or_is_done(house, beside)
        assert not (one == officer.erases and beside.done()), "said something while their rows were about to go"
    results = await asyncio.gather(begun, beside)
    response, done = results if one is act else reversed(results)
    assert response.status_code == 200
    assert done.on_roster
    await ends_well(house, chat, person)


@pytest.mark.parametrize("times", [1, CONFLICTS, CONFLICTS + 1])
async def test_an_erasure_that_lost_to_another_transaction_is_begun_again(
    house: House, officer: Officer, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is half done meanwhile, and the ledger hears of it once."""
    person = await somchai(house)
    ledger = ledger_of(house.settings, house.kp7.vault)
    real, left = holdings.delete, times

    async def loses(*args: Any) -> None:
        nonlocal left
        await real(*args)
        left -= 1
        if left >= 0:
            raise Conflict("deadlock detected")

    monkeypatch.setattr(holdings, "delete", loses)
    if times > CONFLICTS:
        with pytest.raises(Conflict):
            await officer.erases()
        assert await somchai(house) == person
        return
    done = await officer.erases()
    assert done
    assert done.on_roster
    assert await traces(house, person) == []
    known = ledger.read()
    assert known
    assert [person["key_id"] in erasure.keys for erasure in known.all] == [True]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_new_ledger_beside_an_erasure_waits_before_it_touches_the_file(
    house: House, officer: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both take the same two rows. In another order one would give in, with the file already another one."""
    ledger = ledger_of(house.settings, house.kp7.vault)
    ledger.path.unlink()
    async with held(monkeypatch, erasures, "hold_end") as there:
        erasing = asyncio.ensure_future(officer.erases())
        await there.wait()
        beginning = asyncio.ensure_future(told(house, "database", "new-ledger", "--yes"))
        async with asyncio.timeout(10):
            while not await rows(house, WAITS):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert not ledger.path.exists()
    with pytest.raises(erasures.Broken):
        await erasing
    assert (await beginning)[0] == 0
    [line] = await rows(house, "SELECT mac FROM ledger_end")
    assert ledger.fault(line["mac"]) == ""
    assert (await told(house, "database", "new-ledger", "--yes"))[0] == 1
    assert len(await rows(house, "SELECT 1 FROM audit WHERE action = 'ledger.begun'")) == 1
