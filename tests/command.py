"""`kp7 …` as an operator types it: a process of its own, beside the running server, on the same database."""

import os
import sys

from tests import forked
from tests.forked import ROOT, Forked
from tests.house import KEY, House

# Started anew: what a person waits for.
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
        "USER": "malee",
        **({} if database_url.startswith("sqlite:") else {"FILES_URL": "file:///nowhere/files"}),
        **{name.upper(): str(value) for name, value in settings.items()},
    }


OF_THE_HOUSE = (
    "master_key", "master_key_old", "audit_anchor", "erased_file", "files_url", "smtp_host", "smtp_port", "smtp_tls"
)  # fmt: skip


async def begin(house: House, *words: object, typed: str = "", **settings: object) -> Forked:
    given = {name: getattr(house.settings, name) for name in OF_THE_HOUSE} | settings
    return await _begun(house.settings.database_url, *words, typed=typed, **given)


async def kp7(house: House, *words: object, typed: str = "", **settings: object) -> tuple[int, str, str]:
    """→ exit code, standard output, standard error"""
    return await (await begin(house, *words, typed=typed, **settings)).said()


async def run(database_url: str, *words: object, typed: str = "", **settings: object) -> tuple[int, str, str]:
    """As `kp7`, where nobody lives in the house."""
    return await (await _begun(database_url, *words, typed=typed, **settings)).said()


async def _begun(database_url: str, *words: object, typed: str, **settings: object) -> Forked:
    env = environment(database_url, **settings)
    return await forked.begin(*(str(word) for word in words), env=env, typed=typed)  # in a folder where no .env lies


async def told(house: House, *words: object, **settings: str) -> tuple[int, str]:
    """→ exit code, and all that it says"""
    code, said, complained = await kp7(house, *words, **settings)
    return code, said + complained
