"""HR confirms in person who somebody is (`CARD_VERIFIER=officer`): `kp7 identity`, beside the running server."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cast import ANAN, PRIYA, Player
from tests.house import KEY, Chat, House, a_house

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path, card_verifier="officer") as house:
        yield house


async def kp7(house: House, *words: str) -> tuple[int, str]:
    """The command as HR types it, in a process of its own, on the same database."""
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "MASTER_KEY": KEY,
        "DATABASE_URL": house.settings.database_url,
        "SMTP_HOST": "mail.example.go.th",
        "SMTP_FROM": "kp7@example.go.th",
        "PUBLIC_URL": "https://kp7.example.go.th",
        "COLUMNS": "200",
        "USER": "registrar",
    }
    command = (sys.executable, "-c", "from bot.cli import main; main()", "identity", *words)
    process = await asyncio.create_subprocess_exec(
        *command,
        env=env,
        cwd=house.kp7.database.path.parent,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def asks_hr(chat: Chat, who: Player, *, name: str = "") -> str:
    """From the welcome to the number that the person tells the officer."""
    await chat.begins(who.national_id)
    await chat.says(name or who.name)
    await chat.says(who.born)
    found = re.search(r"\b\d{6}\b", chat.screen.text)
    assert found, chat.screen.text
    return found[0]


async def test_own_confirmed_check_does_not_open_somebody_elses_record(office: House) -> None:
    """Priya asks HR about herself, cancels, asks about Anan, and shows HR her own card for her own number."""
    priya = await office.somebody()
    own = await asks_hr(priya, PRIYA)
    await priya.says("ยกเลิก")
    stolen = await asks_hr(priya, ANAN)
    before = len(priya.screens)
    assert await kp7(office, "confirm", own) == (0, "confirmed\n")
    await asyncio.sleep(1.2)  # the worker looks twice a second
    assert len(priya.screens) == before
    assert "พิมพ์อีเมล" not in (await priya.says("สวัสดี")).text
    assert stolen in priya.screen.text


async def test_a_name_cannot_break_hrs_list(office: House) -> None:
    """Brackets mean something to the library that draws the table."""
    rogue = await office.somebody()
    reference = await asks_hr(rogue, ANAN, name="อนันต์ [/b][red]สมมติ")
    code, said = await kp7(office, "list")
    assert code == 0, said
    assert reference in said
    assert "[/b][red]" in said
