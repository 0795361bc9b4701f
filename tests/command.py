"""`kp7` as an operator types it, in a process of its own, beside the running server and on its database."""

import asyncio
import os
import sys
from pathlib import Path

from tests.house import KEY, House

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = (sys.executable, "-c", "from bot.cli import main; main()")


def environment(database_url: str, **settings: object) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "MASTER_KEY": KEY,
        "DATABASE_URL": database_url,
        "SMTP_HOST": "mail.example.go.th",
        "SMTP_FROM": "kp7@example.go.th",
        "PUBLIC_URL": "https://kp7.example.go.th",
        "COLUMNS": "200",
        "USER": "registrar",
        **{name.upper(): str(value) for name, value in settings.items()},
    }


async def kp7(house: House, *words: object, typed: str = "", **settings: object) -> tuple[int, str, str]:
    """→ exit code, standard output, standard error"""
    given = {"erased_file": house.settings.erased_file, **settings}
    return await run(house.settings.database_url, *words, typed=typed, **given)


async def run(database_url: str, *words: object, typed: str = "", **settings: object) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *(str(word) for word in words),
        env=environment(database_url, **settings),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate(typed.encode())
    return process.returncode or 0, said.decode(), complained.decode()
