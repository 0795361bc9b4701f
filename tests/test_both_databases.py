"""The same people do the same on SQLite and on PostgreSQL: what is kept in the end is the same, opened and compared."""

import asyncio
import json
import random
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.outbox import GRACE
from storage.database import Row
from storage.vault import Vault
from tests.cast import ANAN, SOMCHAI, STRANGER
from tests.house import Clock, House, a_house
from tests.journeys.test_identity import JOURNEYS
from tests.security.tools import rows

SEALED = re.compile(r"1\.([0-9a-z]{26})\.[\w-]+")
ID = re.compile(r"\b[0-9a-hjkmnp-tv-z]{26}\b")
# Drawn at random, or of the hour: keys and what is hashed with them, ids of browsers and events, codes, buttons, times.
RANDOM = {
    "wrapped", "hash", "mac", "last", "session", "talk_session", "reference", "external_id", "event_id", "waits", "to",
    "data", "digest",
}  # fmt: skip
CHANGING = re.compile(r"(?<![\w-])[\w-]{43}(?![\w-])|\b[A-Z]{4}\b|\b\d{6}\b|\b\d{1,2}[:.]\d{2}\b|\d{11,}")
NOON = 1_795_237_200_000  # on 21 November 2026
PASSING = {"migrations", "outbox", "tallies"}  # by the moment: carried or not, counted in this minute or the next
SAID = (
    SOMCHAI.national_id, ANAN.national_id, STRANGER.national_id, ANAN.name, ANAN.born, ANAN.laser, "a@example.go.th",
    "000000", "0812345678", "1", "2", "help", "ช่วยเหลือ", "ย้อนกลับ", "ยกเลิก", "อะไรนะ",
)  # fmt: skip


async def all_carried(house: House) -> None:
    """Nothing is on its way any more, not even what has just fallen due."""
    due = "SELECT 1 FROM outbox WHERE dead_at IS NULL AND due_at <= :soon"
    async with asyncio.timeout(20):
        while await rows(house, due, soon=NOON + house.clock.ahead + GRACE):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def wander(house: House, seed: int) -> None:
    """Somebody who types and presses whatever comes to their mind."""
    chance = random.Random(seed)
    chat = await house.somebody()
    for _ in range(40):
        await all_carried(house)
        if chat.screen.labels and chance.random() < 0.6:
            await chat.presses(chance.choice(chat.screen.labels))
        else:
            await chat.says(chance.choice(SAID))


async def play(house: House) -> None:
    for journey in JOURNEYS:
        await journey(house, await house.somebody())
        await all_carried(house)
        house.clock.forward(days=2)
        await house.kp7.schedule.once()
        await all_carried(house)
    for seed in range(2):
        await wander(house, seed)


async def kept(house: House) -> Mapping[str, list[str]]:
    """Every table, its sealed values opened; ids are numbered in the order in which they were made."""
    vault, database = house.kp7.vault, house.kp7.database
    tables: dict[str, list[Row]] = {}
    await all_carried(house)
    async with database.read() as tx:
        for table in await database.tables(tx):
            if table.name not in PASSING:
                tables[table.name] = await tx.all(f'SELECT * FROM "{table.name}"')
    keys = {row["id"]: row["wrapped"] for row in tables["keys"]}
    made = {
        id: f"{name} {n}"
        for name, rows in tables.items()
        for n, id in enumerate(sorted(row["id"] for row in rows if "id" in row))
    }
    return {
        name: sorted(_plain({c: _opened(vault, keys, name, row, c) for c in row}, made) for row in rows)
        for name, rows in tables.items()
        if name
        not in ("migrations", "outbox", "tallies")  # carried meanwhile, or not; tallies are told apart by minute
    }


def _opened(vault: Vault, keys: Mapping[str, str], table: str, row: Row, column: str) -> Any:
    value = row[column]
    sealed = SEALED.fullmatch(value) if isinstance(value, str) else None
    if sealed is None:
        return value
    id = row["id"] if "id" in row else row["account_id"]
    return vault.unwrap(sealed[1], keys[sealed[1]]).open(value, table, id, column)


def _plain(value: Any, made: Mapping[str, str]) -> str:
    def plain(part: Any) -> Any:
        match part:
            case dict():
                return {name: "?" if name in RANDOM and inner else plain(inner) for name, inner in part.items()}
            case list() | tuple():
                return [plain(inner) for inner in part]
            case str():
                return CHANGING.sub("?", ID.sub(lambda found: made.get(found[0], "gone"), part))
            case int() if part > 10**9:
                return "?"
        return part

    return json.dumps(plain(value), ensure_ascii=False, sort_keys=True)


async def test_both_end_in_equal_states(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At an hour that stands still: what must wait a minute does so on a slow machine, too."""
    monkeypatch.setattr(Clock, "__call__", lambda clock: NOON + clock.ahead)
    monkeypatch.setattr("bot.outbox.FLUSH_SECONDS", 0.002)  # each step waits until what it carried is deleted
    monkeypatch.setattr("bot.outbox.POLL_SECONDS", 0.05)
    states: list[Mapping[str, list[str]]] = []
    databases: tuple[dict[str, Any], ...] = ({}, {"database_url": postgres_url})
    for database in databases:
        folder = tmp_path / str(len(states))
        folder.mkdir()
        async with a_house(folder, **database) as house:
            await play(house)
            states.append(await kept(house))
    sqlite, postgres = states
    assert sqlite.keys() == postgres.keys()
    assert len(sqlite["conversations"]) >= 2
    assert len(sqlite["chat_messages"]) > 50
    for table, kept_there in sqlite.items():
        assert kept_there == postgres[table], table
