"""What attackers and auditors use: a reload of the page, raw requests, a look into the database, a direct line."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bot.events import Invalid
from bot.settings import Settings
from bot.topic import Context, Visitor
from handlers.identity import codes
from storage import people
from storage.database import Row, Tx
from storage.people import Person
from storage.vault import Key
from tests.cast import Player
from tests.databases import every_row, sqlite
from tests.house import Chat, House, Screen


async def history(chat: Chat) -> str:
    """All that a reload of the page would show."""
    return "\n".join([line async for line in _until_ready(chat)])


async def _until_ready(chat: Chat) -> AsyncIterator[str]:
    async with (
        httpx.AsyncClient(cookies=chat.client.cookies, timeout=10) as again,
        again.stream("GET", f"{chat.house.url}/chat/stream") as response,
    ):
        async for line in response.aiter_lines():
            if line == "event: ready":
                return
            yield line


def words(screen: Screen) -> str:
    """A screen without what differs from one chat to the next: the row's id and time, the buttons' tokens."""
    kept = {key: value for key, value in screen.items() if key not in ("id", "at")}
    kept["buttons"] = [{**button, "data": button["data"][:2]} for button in screen["buttons"]]
    return json.dumps(kept, ensure_ascii=False, sort_keys=True)


async def all_said(house: House) -> None:
    """Until nothing waits to be shown. Of screens that follow each other at once only the last one may be."""
    async with asyncio.timeout(10):
        while await rows(house, "SELECT 1 FROM outbox WHERE purpose IN ('reply', 'news')"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def rows(house: House, sql: str, **params: object) -> list[Row]:
    async with house.kp7.database.read() as tx:
        return await tx.all(sql, params)


async def change(house: House, sql: str, **values: object) -> None:
    """As somebody who writes the database would, behind our back; it must have changed something."""
    async with house.kp7.database.write() as tx:
        assert await tx.run(sql, values) > 0


async def person(house: House, who: Player) -> Person:
    vault = house.kp7.vault
    async with house.kp7.database.read() as tx:
        found = await people.by_index(tx, vault, people.national_id_index(vault, who.national_id))
    assert found is not None
    return found


def on_disk(house: House) -> bytes:
    """Every byte of the database, with what was not yet moved into its file, and of the files that people handed in; on
    PostgreSQL, every row."""
    if house.kp7.database.kind == "postgresql":
        return "\n".join(every_row(house.settings.database_url)).encode()
    beside = sqlite(house.kp7.database).path.parent
    found = (*beside.glob("kp7.db*"), *beside.glob("kp7.db.files/**/*"))
    return b"".join(path.read_bytes() for path in found if path.is_file())


def stored(house: House) -> Mapping[str, bytes]:
    """What lies in the object store, by name."""
    root = Path(house.settings.files_address.removeprefix("file://"))
    return {path.name: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def other_than(code: str, turn: int = 0) -> str:
    """A code that is surely wrong, and another one each turn."""
    return f"{(int(code) + 1 + turn) % 10 ** len(code):0{len(code)}d}"


async def proves(chat: Chat, who: Player, *, laser: str = "") -> Screen:
    """From the welcome through name, birth date and laser code."""
    await chat.begins(who.national_id)
    for answer in (who.name, who.born, laser or who.laser):
        await chat.says(answer)
    return chat.screen


async def registers(chat: Chat, who: Player, address: str) -> Screen:
    """The whole way to the menu, for somebody without an address."""
    await proves(chat, who)
    await chat.says(address)
    await chat.says(address)
    mailed = len(chat.house.post.mails)
    await chat.taps("choice.save")
    await chat.says(await chat.house.code_for(address, after=mailed))
    return await chat.taps("choice.civil_servant")


async def begins_anew(chat: Chat, national_id: str) -> Screen:
    """Cancel whatever is open and go for a code again."""
    await chat.says("ยกเลิก")
    return await chat.begins(national_id)


# --- the codes themselves, without a chat around them ---------------------------------------------------------------


class _Undo(Exception):
    """Leaves a transaction, taking everything back."""


@dataclass
class Desk(Context):
    """A context whose mails do not go out but are read here: `code` is the one that would have been mailed."""

    code: str = ""
    sent: list[str] = field(default_factory=list)

    def post(self, kind: str, purpose: str, content: Any, key: Any, **more: Any) -> None:
        self.code = content["params"].get("code", "")
        self.sent.append(content["to"])


def stranger(account: str, chat_key: Key) -> Visitor:
    """A web chat that belongs to nobody yet."""
    return Visitor(
        id=account, channel="web", external_id="", language="th", person_id=None, session=None, session_at=0,
        confirmed_at=0, seen_at=0, event_at=0, reachable=True, shared=False, group="", notice="", chat_key=chat_key,
        person_key=None,
    )  # fmt: skip


@dataclass
class Lab:
    """Issues and guesses codes directly, each in a transaction of its own."""

    house: House
    settings: Settings

    async def account(self, chat: Chat) -> str:
        """The newest account: `chat` must have been opened last."""
        found = await rows(self.house, "SELECT id FROM accounts ORDER BY id DESC LIMIT 1")
        return str(found[0]["id"])

    @asynccontextmanager
    async def desk(self, account: str, *, undo: bool = False) -> AsyncIterator[Desk]:
        kp7 = self.house.kp7
        try:
            async with kp7.database.write() as tx:
                yield await self._desk(tx, account)
                if undo:
                    raise _Undo
        except _Undo:
            pass

    async def _desk(self, tx: Tx, account: str) -> Desk:
        kp7 = self.house.kp7
        row = await tx.one(
            "SELECT a.*, k.wrapped FROM accounts a JOIN keys k ON k.id = a.key_id WHERE a.id = :id", {"id": account}
        )
        assert row is not None
        visitor = stranger(account, kp7.vault.unwrap(row["key_id"], row["wrapped"]))
        return Desk(tx, self.house.clock(), visitor, kp7.vault, self.settings, "login", "login.code")

    async def person(self, who: Player) -> Person:
        return await person(self.house, who)

    async def issue(self, account: str, purpose: str, person: Person, address: str) -> str:
        async with self.desk(account) as desk:
            await codes.issue(desk, purpose, person, address)
        return desk.code

    async def guess(
        self, account: str, purpose: str, person: Person, address: str, code: str, *, undo: bool = False
    ) -> str:
        """ "right", or why not."""
        async with self.desk(account, undo=undo) as desk:
            try:
                await codes.guess(desk, purpose, person, address, code)
            except Invalid as wrong:
                return wrong.code
        return "right"
