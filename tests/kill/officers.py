"""Officers who judge papers, in their chats on LINE and at the desk, whatever happens meanwhile; owners who hear of it,
on LINE and on the web; and what must be true of it.

Everybody does what anybody would: read what stands there, press a button or send a verdict, and look again where no
answer came. Nobody knows of any crash.
"""

import asyncio
import json
import random
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import aiohttp

from bot.events import Say
from bot.text import Texts
from handlers.documents import verdicts
from handlers.documents.rules import slot_of
from handlers.documents.script import name_of
from handlers.organisation import proofs
from storage import chats
from storage.audit import Verifier
from storage.database import Database, Tx
from storage.files import Files
from storage.ids import new_id
from storage.opening import opened
from storage.people import Person, by_index, national_id_index
from storage.stores import objects_at
from storage.vault import Vault
from tests.house import House
from tests.kill.driver import Phone, Seen, Ward
from tests.kill.people import WORDS, load_roster, roster
from tests.officers import grant
from tests.waiting import campaign, waits

PATIENCE = 30.0
THINKING = 0.6  # seconds before each verdict
SLOTS = ("id_card", "house", "father", "mother", "entry.degree", "entry.transcript")
SCOPE = "D01"  # and what is below it


def now(ward: Ward) -> int:
    """By the server's clock."""
    return int(time.time() * 1000) + int.from_bytes(ward.clock.read_bytes(), "little", signed=True)


@dataclass
class Owner:
    """Of papers. `phone`: where they hear of them; else, on the web, `account`."""

    id: str
    phone: Phone | None
    account: str = ""


@dataclass
class AtChat:
    """An officer who reads the newest screen and presses one of its buttons."""

    id: str
    phone: Phone
    chance: random.Random

    async def works(self, over: asyncio.Event) -> None:
        while not over.is_set():
            await asyncio.sleep(THINKING * self.chance.random())
            await self._step(self.phone.screen)

    async def _step(self, screen: Seen | None) -> None:
        for wanted in ("reason.blurred", self.chance.choice(("choice.decide_approve", "choice.decide_return"))):
            if screen and (data := screen.buttons.get(WORDS.label(wanted))):
                await self._presses(data)
                return
        await self._presses("go:review")

    async def _presses(self, data: str) -> None:
        ward, event = self.phone.ward, self.phone.press(data)
        if self.chance.random() < 0.2:  # a nervous finger
            await ward.deliver(self.phone.press(data))
        await ward.deliver(event)
        await self.phone.sees(event, PATIENCE)

    @property
    def said(self) -> Counter[str]:
        """How often each verdict was confirmed here, each answer once."""
        screens = {seen.mark: seen for seen in self.phone.seen if seen.mark}
        given: tuple[verdicts.Verdict, ...] = ("approved", "returned")
        return Counter(one for one in given for seen in screens.values() if WORDS.on(seen, f"review.{one}"))


@dataclass
class AtDesk:
    """`answered`: verdicts that came back as given, by paper. `unsure`: those that nothing came back for."""

    id: str
    ward: Ward
    cookie: str
    chance: random.Random
    answered: dict[str, str] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)

    async def works(self, over: asyncio.Event) -> None:
        while not over.is_set():
            await asyncio.sleep(THINKING * self.chance.random())
            with suppress(aiohttp.ClientError, OSError, TimeoutError):
                await self._judges()

    async def _judges(self) -> None:
        status, listed = await self._asks("GET", "/console/api/queue")
        if status != 200 or not listed["items"]:
            return
        id = self.chance.choice(listed["items"][:4])["id"]
        status, item = await self._asks("GET", f"/console/api/items/{id}")
        if status != 200:
            return
        verdict, reason = self.chance.choice((("approve", ""), ("return", "blurred")))
        said = {"seen": item["seen"], "verdict": verdict, "reason": reason, "words": "", "sure": ""}
        self.unsure.add(id)
        status, answer = await self._asks("POST", f"/console/api/items/{id}/verdict", said)
        if status == 200:
            assert id not in self.answered, "given twice"
            self.answered[id] = answer["verdict"]
        self.unsure.discard(id)  # whatever it was, it was an answer

    async def _asks(self, method: str, path: str, said: object = None) -> tuple[int, Any]:
        headers = {"cookie": f"kp7-desk={self.cookie}", "sec-fetch-site": "same-origin"}
        async with self.ward._http.request(method, self.ward.url + path, json=said, headers=headers) as answer:
            assert answer.status in (200, 404, 409, 503), f"{answer.status} {await answer.text()}"
            return answer.status, await answer.json()


@dataclass
class Office:
    ward: Ward
    papers: dict[str, tuple[str, str]] = field(default_factory=dict)  # id → whose, slot
    owners: list[Owner] = field(default_factory=list)
    chats: list[AtChat] = field(default_factory=list)
    desks: list[AtDesk] = field(default_factory=list)

    async def lives_through(self, misfortunes: Awaitable[None]) -> None:
        """They judge until it is over; then there is time for what is still to be told."""
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            workers: list[AtChat | AtDesk] = [*self.chats, *self.desks]
            for one in workers:
                group.create_task(one.works(over))
            await misfortunes
            over.set()
        await self.ward.settles()
        self.ward.check()
        await check(self)


async def moved_in(ward: Ward, owners: int, officers: int = 2) -> Office:
    """So many owners with papers that wait, every fifth on the web; half of the officers sit at the desk, too."""
    await load_roster(ward)
    office, everybody = Office(ward), roster()
    database = await Database.open(ward.database_url)
    try:
        vault = await opened(database, ward.settings.master)
        files = Files(database, objects_at(ward.settings.files_address))
        kp7 = SimpleNamespace(database=database, vault=vault, files=files)
        house = cast(House, SimpleNamespace(kp7=kp7, clock=lambda: now(ward), settings=ward.settings))
        async with database.read() as tx:
            near = await _near(tx, vault, [one.national_id for one in everybody])
        judges, owning = near[: 2 * officers], near[2 * officers :][:owners]
        for judge in judges:
            await grant(house, judge.profile["national_id"], scope=SCOPE)
        phones = [ward.phone() for _ in (*judges, *owning)]
        await ward.start()
        await asyncio.gather(*(ward.deliver(phone.opens()) for phone in phones))
        await ward.settles()
        async with database.write() as tx:
            await campaign(tx, vault)
            for nth, (person, phone) in enumerate(zip((*judges, *owning), phones, strict=True)):
                chance = random.Random(ward.chance.random())
                chat = await _account(tx, phone.user)
                if nth >= len(judges) and nth % 5 == 0:
                    chat = await _on_the_web(tx, vault, now(ward))
                session = await chats.begin_session(tx, vault, chat, person.id, now(ward))
                await tx.run("UPDATE accounts SET seen_at = :now WHERE id = :id", {"now": now(ward), "id": chat["id"]})
                if nth >= len(judges):
                    office.owners.append(Owner(person.id, phone if chat["channel"] == "line" else None, chat["id"]))
                    for slot in SLOTS:
                        id = await waits(tx, vault, person, "paper", now(ward) - 60_000, slot=slot)
                        office.papers[id] = (person.id, slot)
                    continue
                cookie = secrets.token_urlsafe(32)
                where = chat["id"] if nth % 2 else vault.index("desk", cookie)
                await proofs.prove(tx, vault, ward.settings, where, person.id, chat["id"], session, now(ward))
                if nth % 2:
                    office.chats.append(AtChat(person.id, phone, chance))
                else:
                    office.desks.append(AtDesk(person.id, ward, cookie, chance))
    finally:
        await database.close()
    return office


async def _near(tx: Tx, vault: Vault, ids: Sequence[str]) -> list[Person]:
    """Those who belong below `SCOPE`."""
    found = [await by_index(tx, vault, national_id_index(vault, id)) for id in ids]
    rows = await tx.all("SELECT id FROM people WHERE organisation_code LIKE :below", {"below": f"{SCOPE}%"})
    here = {row["id"] for row in rows}
    return [one for one in found if one and one.id in here]


async def _account(tx: Tx, user: str) -> dict[str, Any]:
    row = await tx.one("SELECT * FROM accounts WHERE external_id = :user", {"user": user})
    assert row
    return dict(row)


async def _on_the_web(tx: Tx, vault: Vault, at: int) -> dict[str, Any]:
    key, wrapped = vault.new_key()
    await tx.run("INSERT INTO keys (id, wrapped) VALUES (:id, :wrapped)", {"id": key.id, "wrapped": wrapped})
    row = {"id": new_id(), "channel": "web", "external_id": secrets.token_urlsafe(32), "key_id": key.id, "at": at}
    await tx.run(
        "INSERT INTO accounts (id, channel, external_id, key_id, language, seen_at, created_at) "
        "VALUES (:id, :channel, :external_id, :key_id, 'th', :at, :at)",
        row,
    )
    return row


# --- what must be true ------------------------------------------------------------------------------------------------


async def check(office: Office) -> None:
    """After `ward.check`: each paper has one verdict or none; what was answered is there, and nothing else; the log
    tells of each; each owner has heard of each of theirs once."""
    ward = office.ward
    given = ward.rows("SELECT * FROM verdicts ORDER BY id")
    assert max(Counter((row["paper_id"], row["version"], row["level"]) for row in given).values()) == 1
    states = {row["id"]: row["state"] for row in ward.rows("SELECT id, state FROM papers")}
    assert {row["paper_id"]: row["verdict"] for row in given} == {
        id: state for id, state in states.items() if state != "submitted"
    }
    for desk in office.desks:
        theirs = {row["paper_id"]: row["verdict"] for row in given if row["officer_id"] == desk.id}
        assert desk.answered.items() <= theirs.items(), "answered, and lost"
    for chat in office.chats:
        mine = Counter(row["verdict"] for row in given if row["officer_id"] == chat.id)
        assert chat.said <= mine, f"confirmed, and lost: {chat.said} of {mine}"
    assert ward.rows("SELECT kind, purpose, reason FROM outbox") == []
    assert ward.rows("SELECT 1 FROM verdicts WHERE told_at IS NULL") == []
    database = await Database.open(ward.database_url)
    try:
        vault = await opened(database, ward.settings.master)
        async with database.read() as tx:
            await _check_log(tx, vault, given)
        assert all(verdicts.genuine(vault, row) for row in given)
        _check_told(office, vault, given)
    finally:
        await database.close()


async def _check_log(tx: Tx, vault: Vault, given: Sequence[Any]) -> None:
    verifier = Verifier(vault)
    async for _ in verifier.run(tx):
        pass
    assert verifier.verdict.faults == ()
    lines = await tx.all("SELECT * FROM audit WHERE action IN ('paper.approved', 'paper.returned')")
    logged = Counter(
        (row["action"], row["subject"], row["actor"].rpartition(":")[2], json.loads(row["detail"])["paper"])
        for row in lines
    )
    assert logged == Counter(
        (f"paper.{row['verdict']}", row["person_id"], row["officer_id"], row["paper_id"]) for row in given
    )


def _check_told(office: Office, vault: Vault, given: Sequence[Any]) -> None:
    texts = Texts()
    for owner in office.owners:
        expected: Counter[str] = Counter()
        for row in given:
            if row["person_id"] == owner.id:
                paper = name_of(slot_of(row["slot"]))
                say = Say("verdicts.item", {"paper": paper})
                if row["verdict"] == "returned":
                    until = date.fromisoformat(row["until"])
                    why = {"paper": paper, "reason": Say("reason.blurred"), "until": until}
                    say = Say("verdicts.returned_item", why)
                expected[texts.say("th", say)] += 1
        heard = Counter(line for line in _heard(office.ward, owner, vault) if line.startswith("•"))
        assert heard == expected, f"{heard - expected} too often, {expected - heard} never"


def _heard(ward: Ward, owner: Owner, vault: Vault) -> list[str]:
    if owner.phone:
        return [line for seen in owner.phone.seen if not seen.mark for line in seen.text.split("\n")]
    rows = ward.rows(
        "SELECT m.*, k.wrapped FROM chat_messages m JOIN keys k ON k.id = m.key_id WHERE m.account_id = ?",
        owner.account,
    )
    said = [vault.unwrap(r["key_id"], r["wrapped"]).open(r["body"], "chat_messages", r["id"], "body") for r in rows]
    return [line for message in said for text in message["lines"] for line in text.split("\n")]
