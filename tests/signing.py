"""Papers that wait to be signed, and somebody who signs one on a phone."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from bot import page_links
from bot.outbox import Carrier, Entry
from bot.papers.room import Papers
from bot.papers.shapes import Paper
from bot.topic import Context, Visitor
from handlers.documents import certify
from storage import files
from storage.database import Row, Tx
from storage.ids import new_id
from storage.people import Person
from storage.seals import CAMPAIGNS
from tests.cast import Player
from tests.house import House
from tests.papers import tools
from tests.sealing import sealed
from tests.security.tools import person

CAMPAIGN = "seis"
STROKES = [[[100.0, 300.0], [200.0, 100.0], [320.5, 310.0]], [[400.0, 200.0], [700.0, 210.0]]]
BOX = {"page": 1, "left": 0.1, "top": 0.2, "width": 0.3, "height": 0.05}
_taken: dict[Callable[[], bytes], Paper] = {}


async def taken(make: Callable[[], bytes]) -> Paper:
    """What the intake would have made of it; once a process."""
    if make not in _taken:
        paper = await Papers().take(make())
        assert isinstance(paper, Paper)
        _taken[make] = paper
    return _taken[make]


async def hand_in(
    house: House,
    who: Player,
    slot: str = "entry.transcript",
    make: Callable[[], bytes] = tools.transcript,
    *,
    state: str = "taken",
    version: int = 1,
) -> str:
    """A row of `papers`. → its id"""
    kp7, now = house.kp7, house.clock()
    owner, paper = await person(house, who), await taken(make)
    kept = await files.Files(kp7.database, _objects(house)).put(owner.id, owner.key, paper.pdf, now)
    id = new_id()
    sheets = [[sheet.width, sheet.height, sheet.written] for sheet in paper.sheets]
    async with kp7.database.write() as tx:
        assert await files.hold(tx, kept.id, owner.id)
        await tx.run(
            "INSERT INTO campaigns (id, kind, name, upstream_due, due, late_days, options, made_at) "
            "VALUES (:id, 'documents', 'SEIS', '2026-12-31', '2026-12-15', 7, '{}', :now) ON CONFLICT DO NOTHING",
            {"id": CAMPAIGN, "now": now},
        )
        await sealed(tx, kp7.vault, CAMPAIGNS, CAMPAIGN)
        await tx.run(
            "INSERT INTO listed (campaign_id, person_id, listed_on, due) VALUES (:id, :person, '2026-11-01', "
            "'2026-12-15') ON CONFLICT DO NOTHING",
            {"id": CAMPAIGN, "person": owner.id},
        )
        await tx.run(
            "INSERT INTO papers (id, campaign_id, person_id, slot, version, state, certified, key_id, file_id, detail, "
            "at) VALUES (:id, :campaign, :person, :slot, :version, :state, '', :key, :file, :detail, :now)",
            {
                "id": id,
                "campaign": CAMPAIGN,
                "person": owner.id,
                "slot": slot,
                "version": version,
                "state": state,
                "key": owner.key.id,
                "file": kept.id,
                "detail": owner.key.seal(
                    {"sheets": sheets, "sha256": kept.sha256, "file": kept.id}, "papers", id, "detail"
                ),
                "now": now,
            },
        )
    return id


def _objects(house: House) -> Any:
    from storage.stores import objects_at

    return objects_at(house.settings.files_address)


async def link(house: House, who: Player, slot: str = "entry.transcript", *, purpose: str = certify.PURPOSE) -> str:
    """As the button in this person's chat has it. → a path"""
    owner = await person(house, who)
    async with house.kp7.database.write() as tx:
        row = await tx.one("SELECT * FROM accounts WHERE person_id = :id AND session IS NOT NULL", {"id": owner.id})
        assert row is not None
        about = {"campaign": CAMPAIGN, "slot": slot}
        return await page_links.open_link(context_of(house, tx, row, owner), certify.PREFIX, purpose, about)


def context_of(house: House, tx: Tx, row: Row, owner: Person) -> Context:
    same = ("id", "channel", "external_id", "language", "person_id", "session", "session_at", "seen_at")
    visitor = Visitor(
        **{name: row[name] for name in same}, confirmed_at=0, event_at=0, reachable=True, shared=False, group="",
        notice="", chat_key=owner.key, person_key=owner.key,
    )  # fmt: skip
    return Context(tx, house.clock(), visitor, house.kp7.vault, house.settings, "paper", "certify")


@dataclass
class Jobs:
    """What was handed on to be stamped. `jobs` is filled by the outbox, in its own time."""

    done: list[Entry] = field(default_factory=list)

    @classmethod
    def of(cls, house: House) -> "Jobs":
        jobs = cls()

        async def deliver(entry: Entry) -> None:
            jobs.done.append(entry)

        house.kp7.outbox.carriers["papers"] = Carrier(deliver)
        return jobs

    async def one(self) -> Entry:
        async with asyncio.timeout(10):
            while not self.done:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert len(self.done) == 1
        return self.done[0]


class Phone:
    """A browser of somebody's own."""

    def __init__(self, house: House, language: str = "th", **headers: str) -> None:
        self.house = house
        own = {"accept-language": language, **headers}
        self.client = httpx.AsyncClient(headers=own, base_url=house.url, verify=False)  # on loopback there is none

    async def __aenter__(self) -> "Phone":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def looks(self, path: str) -> httpx.Response:
        return await self.client.get(path)

    async def presses(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.post(path, headers=headers)

    async def opens(self, path: str) -> dict[str, Any]:
        """→ what the page was given to show"""
        assert (await self.presses(path)).status_code == 303
        page = await self.looks(path)
        assert page.status_code == 200
        return shown(page)

    async def page(self, path: str, number: object) -> httpx.Response:
        return await self.client.get(f"{path}/pages/{number}")

    async def signs(
        self, path: str, strokes: object = STROKES, boxes: Sequence[object] = (), version: object = 1, **headers: str
    ) -> httpx.Response:
        asked = {"version": version, "strokes": strokes, "boxes": list(boxes)}
        return await self.client.post(f"{path}/sign", json=asked, headers=headers)


def shown(page: httpx.Response) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(page.text.partition('id="data">')[2].partition("</script>")[0])
    return data
