"""`kp7 …` as an operator types it: a process of its own, beside the running server, on the same database."""

import asyncio
import os
import sys
from pathlib import Path

from tests.house import House

ROOT = Path(__file__).resolve().parent.parent


def environment(house: House, **settings: str) -> dict[str, str]:
    s = house.settings
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "MASTER_KEY": s.master_key,
        "MASTER_KEY_OLD": s.master_key_old,
        "DATABASE_URL": s.database_url,
        "AUDIT_ANCHOR": s.audit_anchor,
        "SMTP_HOST": s.smtp_host,
        "SMTP_PORT": str(s.smtp_port),
        "SMTP_TLS": s.smtp_tls,
        "SMTP_FROM": "kp7@example.go.th",
        "PUBLIC_URL": "https://kp7.example.go.th",
        "COLUMNS": "200",
        "USER": "malee",
        **{name.upper(): value for name, value in settings.items()},
    }


async def begin(house: House, *words: str, **settings: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from bot.cli import main; main()", *words,
        env=environment(house, **settings), cwd="/",  # where no .env lies
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip


async def kp7(house: House, *words: str, **settings: str) -> tuple[int, str]:
    """→ exit code, and what it says"""
    process = await begin(house, *words, **settings)
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()
