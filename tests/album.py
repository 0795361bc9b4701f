"""A toy topic that takes pictures, in a whole house: what is sent is fetched by a job, kept, shown; a page is linked.

`gate`: closed, jobs wait before they do anything. `files`: what came, as it was announced.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.events import File, Invalid, Refresh, Result, Say
from bot.fetching import Gone
from bot.flow import Ask, Choice, Do, Script
from bot.outbox import Carrier, Entry, Outbox
from bot.topic import Context, Equipment, Flow, Incoming, Later, Take, Topic, Visitor
from storage import files
from storage.database import Tx
from tests.house import House
from tests.toy_house import a_toy_house

PAGE = "/album/page"
SECONDS = 30
MOST = 20 * 2**20
WORDS = {
    "menu.album": "อัลบั้ม",
    "resume.album": "กลับมาที่อัลบั้มค่ะ",
    "words.start.album": "album",
    "ask.album.pages": "ส่งภาพได้เลยค่ะ ได้รับแล้ว {count} ภาพ",
    "choice.album_open": "เปิดหน้าลงนาม",
    "choice.album_done": "ครบแล้ว",
    "choice.album_end": "จบ",
    "wait.album.bound": "กำลังรวมภาพค่ะ",
    "ask.album.end": "รวมแล้วค่ะ",
    "album.kept": "เก็บภาพไว้แล้วค่ะ",
    "album.gone": "ภาพนั้นหายไปแล้วค่ะ",
    "error.album_full": "อัลบั้มเต็มแล้วค่ะ",
}


@dataclass(frozen=True)
class TakePicture:
    file: File


@dataclass(frozen=True)
class Bind:
    pages: tuple[str, ...]


def album(pages: tuple[str, ...], _: Mapping[str, Any]) -> Script[Any]:
    yield from Ask[str](
        "album.pages",
        choices=(Choice("album_open", link=PAGE, style="primary"), Choice("album_done")),
        gather=TakePicture,
        params={"count": len(pages)},
        picture=pages[-1] if pages else "",
    )
    yield from Do[bool]("album.bound", Bind(pages))
    yield from Ask[str]("album.end", choices=(Choice("album_end"),), picture=pages[-1] if pages else "")


@dataclass
class Album:
    pages: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    files: list[File] = field(default_factory=list)
    unsent: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def topic(self, house: Equipment) -> Topic:
        return Topic(
            flows={"album": Flow(album)},
            effects={TakePicture: self.takes, Bind: self.binds},
            facts=self.facts,
            menu=lambda visitor: ("album",) if visitor.logged_in else (),
            carriers={"album": partial(self.carrier, house)},
            unsent=self.takes_back,
            pages=self.routes,
        )

    def routes(self, _: Outbox) -> Sequence[Route]:
        async def page(_: Request) -> Response:
            return PlainTextResponse("the page")

        return [Route(PAGE, page)]

    async def facts(self, _: Tx, visitors: Sequence[Visitor], __: int) -> dict[str, tuple[str, ...]]:
        return {visitor.id: tuple(self.pages[visitor.external_id]) for visitor in visitors}

    async def takes(self, context: Context, effect: TakePicture) -> Say | None:
        self.files.append(effect.file)
        self._post(context, "intake", effect.file.reference)
        if effect.file.name == "too many":
            raise Invalid("album_full")
        return Say("album.kept") if effect.file.name == "at once" else None

    async def binds(self, context: Context, _: Bind) -> bool:
        self._post(context, "bind", context.attempt)
        raise Later

    async def takes_back(self, _: Tx, visitor: Visitor, reference: str, __: int) -> None:
        self.unsent.append(f"{visitor.external_id} {reference}")

    def _post(self, context: Context, purpose: str, what: str) -> None:
        visitor = context.visitor
        whose = {"channel": visitor.channel, "external_id": visitor.external_id, "person": visitor.person_id}
        context.post("album", purpose, {**context.hold(SECONDS), **whose, "what": what}, visitor.key)

    def carrier(self, house: Equipment, take: Take) -> Carrier:
        async def deliver(entry: Entry) -> None:
            await self.gate.wait()
            content = entry.content
            whose, what = (content["channel"], content["external_id"]), content["what"]
            event: Refresh | Result
            if entry.purpose == "intake":
                said = await self.keep(house, entry)
                event = Refresh("album", "album.pages", "album.kept", say=said)
            else:
                event = Result("album", "album.bound", what, value=True)
            token, until = content["token"], content["token_until"]
            await take(Incoming(*whose, f"outbox:{entry.id}", event, token=token, token_until=until))

        return Carrier(deliver)

    async def keep(self, house: Equipment, entry: Entry) -> tuple[Say, ...]:
        content = entry.content
        async with house.database.read() as tx:
            row = await tx.one("SELECT * FROM keys WHERE id = :id", {"id": entry.key_id})
        assert row
        key = house.vault.unwrap(row["id"], row["wrapped"])
        try:
            data = await house.fetch[content["channel"]](content["what"], key, MOST)
        except Gone:
            return (Say("album.gone"),)
        file = await house.files.put(content["person"], key, data, house.clock())
        async with house.database.write() as tx:
            assert await files.hold(tx, file.id, content["person"])
        self.pages[content["external_id"]].append(file.id)
        return ()


@asynccontextmanager
async def an_album(monkeypatch: pytest.MonkeyPatch, folder: Path, **more: Any) -> AsyncIterator[tuple[House, Album]]:
    """A house with this topic besides its own; jobs run."""
    toy = Album()
    toy.gate.set()
    async with a_toy_house(monkeypatch, folder, toy.topic, WORDS, **more) as house:
        try:
            yield house, toy
        finally:
            toy.gate.set()
