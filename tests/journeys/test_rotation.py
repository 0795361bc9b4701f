"""The master key is changed while people chat; nobody notices, and afterwards the old one opens nothing."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog

from storage.vault import Tampered, Vault
from tests.cast import MALEE, SOMCHAI
from tests.command import begin, told
from tests.house import KEY, Chat, House, a_house
from tests.security.tools import rows

NEW = base64.b64encode(b"a new master key that is used in tests").decode()
KEYS = 5_000


@pytest.fixture
async def office(tmp_path: Path, database_url: str) -> AsyncIterator[House]:
    async with a_house(tmp_path, database_url=database_url) as house:
        yield house


async def with_keys(house: House, master: str, old: str = "") -> None:
    house.settings = house.settings.model_copy(update={"master_key": master, "master_key_old": old})
    await house.restart()


async def opened_by(house: House, master: str) -> int:
    vault, n = Vault(base64.b64decode(master)), 0
    for row in await rows(house, "SELECT id, wrapped FROM keys"):
        with contextlib.suppress(Tampered):
            vault.bare(row["id"], row["wrapped"])
            n += 1
    return n


async def chats_on(house: House, known: Chat, done: asyncio.Event) -> int:
    """Somebody known looks at their data, and newcomers begin, until it is done; → how often, by then."""
    n = 0
    while not done.is_set():
        await known.taps("menu.profile")
        known.sees("ask.card")
        await known.taps("choice.close")
        newcomer = await house.somebody()
        newcomer.sees("home.welcome")
        n += 1
    return n


async def test_five_thousand_keys_under_load_killed_once_and_no_error(office: House) -> None:
    somchai, malee = await office.somebody(), await office.somebody()
    await somchai.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await malee.begins(MALEE.national_id)
    code = await office.code_for(MALEE.email)
    made = [office.kp7.vault.new_key() for _ in range(KEYS)]
    async with office.kp7.database.write() as tx:
        await tx.many("INSERT INTO keys VALUES (:id, :wrapped)", [{"id": k.id, "wrapped": w} for k, w in made])
    both = {"master_key": NEW, "master_key_old": KEY}
    code_, said = await told(office, "keys", "rotate", **both)
    assert code_ == 3
    assert "cannot read the new MASTER_KEY" in said, "the server does not know it yet"
    assert (await told(office, "keys", "rotate"))[0] == 2
    with structlog.testing.capture_logs() as logged:
        await with_keys(office, NEW, KEY)
        done = asyncio.Event()
        load = asyncio.create_task(chats_on(office, somchai, done))
        killed = await begin(office, "keys", "rotate")
        before = await opened_by(office, NEW)
        while await opened_by(office, NEW) < before + 300 and killed.returncode is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        with contextlib.suppress(ProcessLookupError):
            killed.kill()
        await killed.wait()
        code_, said = await told(office, "keys", "rotate")
        assert code_ == 0, said
        done.set()
        assert await load > 0
    assert [line for line in logged if line["log_level"] == "error"] == []
    assert await opened_by(office, KEY) == 0
    assert await opened_by(office, NEW) >= KEYS
    await with_keys(office, NEW)
    await malee.says(code)
    malee.sees("ask.group")
    await somchai.taps("menu.profile")
    somchai.sees("ask.card")
    assert (await told(office, "audit", "verify"))[0] == 0
    code_, said = await told(office, "identity", "list", master_key=KEY)
    assert code_ != 0
    assert "not the one" in said
