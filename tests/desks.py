"""An officer at the review desk, without a browser; and papers that wait for a verdict."""

import hashlib
from collections.abc import Callable
from typing import Any

import httpx
import pyotp

from bot import page_links
from bot.times import local_date
from handlers.organisation import authority
from handlers.review import deciding, queue
from handlers.review.desk.entering import PREFIX, PURPOSE
from handlers.review.rules import Wanted
from storage.files import content_index
from tests.cast import MALEE, SOMCHAI, Player
from tests.house import Chat, House
from tests.officers import officer
from tests.papers import tools
from tests.security.tools import change, person
from tests.signing import context_of, hand_in, taken

JPEG = b"\xff\xd8\xff"


async def waits(
    house: House,
    who: Player = SOMCHAI,
    slot: str = "entry.transcript",
    make: Callable[[], bytes] = tools.transcript,
    *,
    certified: str = "hand",
) -> str:
    """A paper that was handed in. → its id"""
    id = await hand_in(house, who, slot, make, state="submitted")
    sha256 = hashlib.sha256((await taken(make)).pdf).hexdigest()
    content = content_index(house.kp7.vault, sha256)
    sql = "UPDATE papers SET submitted_at = :now, certified = :certified, content_index = :content WHERE id = :id"
    await change(house, sql, id=id, now=house.clock(), certified=certified, content=content)
    return id


async def decided_by(house: House, who: Player, id: str, wanted: Wanted = "approve", **more: Any) -> None:
    """By this officer, somewhere else."""
    kp7, now = house.kp7, house.clock()
    me = (await person(house, who)).id
    async with kp7.database.write() as tx:
        officer = await authority.officer(tx, kp7.vault, me, local_date(now, house.settings.timezone))
        assert officer
        item = await queue.find(tx, kp7.vault, officer, id)
        assert item
        said = deciding.Decision(id, item.seen, wanted, **more)
        await deciding.decide(tx, kp7.vault, house.settings, me, said, by=f"web:{me}", now=now)


async def link(house: House, who: Player = MALEE) -> str:
    """As the button in this officer's chat has it. → a path"""
    owner = await person(house, who)
    async with house.kp7.database.write() as tx:
        row = await tx.one("SELECT * FROM accounts WHERE person_id = :id AND session IS NOT NULL", {"id": owner.id})
        assert row is not None
        return await page_links.open_link(context_of(house, tx, row, owner), PREFIX, PURPOSE, {})


class Browser:
    """Of an officer, or of somebody else."""

    def __init__(self, house: House, language: str = "th") -> None:
        self.house = house
        self.totp = pyotp.TOTP(pyotp.random_base32())
        headers = {"accept-language": language, "sec-fetch-site": "same-origin"}
        self.client = httpx.AsyncClient(headers=headers, base_url=house.url)

    async def __aenter__(self) -> "Browser":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def gets(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers=headers)

    async def posts(self, path: str, said: object = None, **headers: str) -> httpx.Response:
        return await self.client.post(path, json=said, headers=headers)

    async def enters(self, path: str, totp: pyotp.TOTP) -> httpx.Response:
        assert (await self.client.post(path)).status_code == 303
        answer = await self.posts(f"{path}/code", {"code": totp.at(self.house.clock() // 1000)})
        assert answer.status_code == 200, answer.text
        return answer

    async def item(self, id: str) -> dict[str, Any]:
        answer = await self.gets(f"/console/api/items/{id}")
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def judges(self, item: dict[str, Any], verdict: str = "approve", **more: str) -> httpx.Response:
        said = {"seen": item["seen"], "verdict": verdict, "reason": "", "words": "", "sure": "", **more}
        return await self.posts(f"/console/api/items/{item['id']}/verdict", said)


async def chats(house: House, who: Player = MALEE) -> Chat:
    """Logged in."""
    chat = await house.somebody()
    await chat.logs_in(who.national_id, who.email)
    return chat


async def sits(house: House, browser: Browser, who: Player = MALEE, **role: Any) -> pyotp.TOTP:
    """At the desk, with a role. → what makes their six digits"""
    totp = await officer(house, who.national_id, **role)
    await chats(house, who)
    await browser.enters(await link(house, who), totp)
    return totp
