"""An office without a server, to look at one thing at a time: its database, its ledger, its backups."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from bot import backup
from bot import restore as restoring
from bot.restore import Restored, restore
from bot.settings import Settings
from bot.times import DAY
from handlers import holds
from storage import erasures, people, snapshot
from storage.database import Database
from storage.erasures import Erasure, Ledger
from storage.folder import Folder
from storage.holdings import Holds
from storage.objects import Objects
from storage.opening import opened
from storage.people import national_id_index
from storage.roster import write_roster
from storage.vault import Vault
from tests.command import PROGRAM, environment
from tests.house import KEY
from tests.storage.test_roster import SOMCHAI as ON_ROSTER

WHEN = 1_700_000_000_000
SETTINGS = Settings(_env_file=None, master_key=KEY)
VAULT = Vault(SETTINGS.master)
HOLDS = holds()


def silent(_done: int, _whole: int) -> None: ...


def content(path: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(path)) as connection:
        names = [n for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        found = {name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in names}
        del found["ledger_end"]
        return {**found, "keys": [row for row in found["keys"] if not row[0].startswith("secret:")]}


class Office:
    """A folder with a database, its ledger, and backups in another folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.backups = folder, folder / "backups"
        self.path = folder / "kp7.db"
        self.objects: Objects = Folder(folder / "kp7.db.files")
        self.vault = VAULT
        self.ledger = Ledger(folder / "kp7.db.erased", VAULT.secret("erasures"))
        self.secret = b""

    async def opens(self) -> Database:
        database = await Database.open(f"sqlite:///{self.path}")
        await database.migrate()
        return database

    async def killed_while_it_backs_up(self, sign: str, after: float) -> None:
        """`sign`: a pattern of what lies there when it is well under way; so many seconds later it is killed."""
        process = await asyncio.create_subprocess_exec(
            *PROGRAM, "backup", str(self.backups), env=environment(f"sqlite:///{self.path}"), cwd=self.folder,
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        while process.returncode is None and not list(self.backups.glob(sign)):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        await asyncio.sleep(after)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    def backed_up(self, now: int = WHEN) -> Path:
        return self.made(now).folder

    def made(self, now: int = WHEN) -> backup.Made:
        """As a command makes it: where no loop runs."""
        end, url = snapshot.ledger_end(self.path), f"sqlite:///{self.path}"
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(
                backup.make, url, self.objects, self.backups, self.ledger, end, self.secret, now, silent
            ).result()

    async def restored(
        self, source: Path, now: int = WHEN + 10 * DAY, master: bytes = SETTINGS.master, **how: Any
    ) -> Restored:
        def wired(vault: Vault) -> tuple[Sequence[Holds], Ledger]:
            self.vault, self.ledger = vault, Ledger(self.ledger.path, vault.secret("erasures"))
            return HOLDS, self.ledger

        return await restore(source, self.path, restoring.Office(master, b"", self.objects, wired), now, silent, **how)

    async def knows(self, national_id: str = ON_ROSTER.national_id) -> bool:
        database = await self.opens()
        try:
            async with database.read() as tx:
                return await people.by_index(tx, self.vault, national_id_index(self.vault, national_id)) is not None
        finally:
            await database.close()

    def ledgers(self) -> tuple[Erasure, ...]:
        known = self.ledger.read()
        assert known
        return known.all

    async def erases(self, now: int) -> None:
        database = await self.opens()
        async with database.write() as tx:
            row = await tx.one("SELECT key_id FROM people")
            assert row
            end = await erasures.hold_end(tx)
            await erasures.move_end(tx, self.ledger.add([Erasure(now, (row["key_id"],))], end=end))
        await database.close()

    async def begins_anew(self, now: int) -> None:
        """As `kp7 database new-ledger` does, where nothing is left of the one before."""
        self.ledger.path.unlink()
        database = await self.opens()
        async with database.write() as tx:
            await erasures.move_end(tx, self.ledger.renew(now, self.folder / "aside"))
        await database.close()


async def an_office(folder: Path, master: bytes) -> Office:
    """With one person on its roster."""
    office = Office(folder)
    office.folder.mkdir()
    database = await office.opens()
    vault = await opened(database, master)
    async with database.write() as tx:
        await write_roster(tx, vault, [ON_ROSTER], 1)
    office.vault = vault
    office.ledger = Ledger(office.ledger.path, vault.secret("erasures"))
    office.secret = backup.secret_of(vault)
    async with database.write() as tx:
        await erasures.move_end(tx, office.ledger.add(since=WHEN - DAY))
    await database.close()
    return office


def sums_again(made: Path, secret: bytes = b"") -> None:
    """What an attacker can do who may write into the folder; with the secret, what only this office can."""
    sums = backup.Files(**{name: backup.content(made / name) for name in ("database", "erased", "objects")})
    manifest = backup.read(made).model_copy(update={"files": sums})
    (made / "manifest.json").write_text((manifest.sealed(secret) if secret else manifest).model_dump_json())


# --- what may have been done to a ledger ------------------------------------------------------------------------------


def cut(path: Path, left: slice) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[left]))


def swap(path: Path) -> None:
    first, *between, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([last, *between, first]))


def foreign(path: Path) -> None:
    path.unlink()
    Ledger(path, b"x" * 32).add([Erasure(1, ("k",))])


TAMPERED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a forged line": (lambda p: p.write_bytes(p.read_bytes() + b'{"at":1,"keys":["k"],"mac":"0"}\n'), "Line 4 of"),
    "the last line gone": (lambda path: cut(path, slice(-1)), "The last lines of"),
    "all lines but the first gone": (lambda path: cut(path, slice(1)), "The last lines of"),
    "the first line gone": (lambda path: cut(path, slice(1, None)), "Line 1 of"),
    "a line in the middle gone": (lambda path: cut(path, slice(None, None, 2)), "Line 2 of"),
    "two lines swapped": (swap, "Line 1 of"),
    "another office's": (foreign, "Line 1 of"),
}
