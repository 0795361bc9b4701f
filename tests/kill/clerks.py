"""People who hand in their papers on LINE, whatever happens meanwhile; and what must be true of it.

They do what anybody would: read what stands on the newest screen, press one of its buttons or send what it asks for,
and wait for an answer. Nobody sends anything twice, and nobody knows of any crash.
"""

import asyncio
import hashlib
import json
import random
import re
import time
from collections import Counter
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from bot.channels.line.fake import Json
from handlers.documents import campaigns, families, signatures
from handlers.documents.rules import Options, write_options
from samples import make_papers
from storage import people
from storage.database import Database
from storage.files import Files, content_index
from storage.opening import opened
from storage.people import national_id_index
from storage.seals import CAMPAIGNS
from storage.stores import objects_at
from storage.vault import Key, Vault
from tests.kill.driver import Phone, Seen, Ward
from tests.kill.people import WORDS, Login, Person, load_roster, roster
from tests.sealing import sealed

PATIENCE = 60.0  # nobody waits longer for an answer
AT_MOST = 180.0
READING = 0.2
SMALL = (1280, 960)
SIGNATURE = (((0.0, 0.0), (200.0, 80.0), (400.0, 10.0), (600.0, 90.0)),)
ANSWERS = {"father_died": 0, "mother_died": 0, "spouse": 0, "children": 0, "same_degree": 1}
# What each paper is sent as, and how it is certified; the others nobody has.
HOW = {
    "id_card": (("pdf",), "stamp"),
    "house": (("album", "album"), "stamp"),
    "father_card": (("photo",), "signed_by_hand"),
}

NOT_THERE = ("mother_card", "entry_degree", "entry_transcript")


@cache
def sample(kind: str, nth: int = 0) -> bytes:
    if kind == "pdf":
        return make_papers.pdf("id_card")
    return make_papers.photo("transcript" if kind == "album" else "id_card", SMALL, nth)


async def list_everybody(ward: Ward, who: Sequence[Person]) -> None:
    """HR asks them for papers; they have answered about their family, and have a signature."""
    now = int(time.time() * 1000)
    database, vault = await _opened(ward)
    try:
        async with database.write() as tx:
            await tx.run(
                "INSERT INTO campaigns (id, kind, name, upstream_due, due, late_days, options, made_at) "
                "VALUES ('c1', :kind, 'รับรองทะเบียนประวัติ', '2099-01-31', '2099-01-31', 14, :options, 1)",
                {"kind": campaigns.KIND, "options": write_options(Options())},
            )
            await sealed(tx, vault, CAMPAIGNS, "c1")
            for one in who:
                person = await people.by_index(tx, vault, national_id_index(vault, one.national_id))
                assert person
                await tx.run(
                    "INSERT INTO listed (campaign_id, person_id, listed_on, due) "
                    "VALUES ('c1', :person, '2026-11-01', '2099-01-31')",
                    {"person": person.id},
                )
                await families.save(tx, person.id, person.key, ANSWERS, now)
                await signatures.save(tx, person.id, person.key, SIGNATURE, now)
    finally:
        await database.close()


async def _opened(ward: Ward) -> tuple[Database, Vault]:
    database = await Database.open(ward.database_url)
    return database, await opened(database, ward.settings.master)


@dataclass
class Clerk:
    """One person with papers. `sent`: for which papers they have sent what there is. `unanswered`: how often nothing
    came back."""

    phone: Phone
    person: Person
    chance: random.Random
    sent: set[str] = field(default_factory=set)
    unanswered: list[str] = field(default_factory=list)
    done: bool = False

    @property
    def story(self) -> list[str]:
        return [f"{seen.text}\n{[*seen.buttons]}" for seen in self.phone.seen] + ["unanswered:", *self.unanswered]

    async def logs_in(self) -> None:
        await Login(self.phone, self.person, self.chance, 0).runs()

    async def runs(self) -> None:
        await self.does(self.phone.says("เอกสาร"))
        until = time.monotonic() + AT_MOST
        while not self.done:
            await asyncio.sleep(READING)  # of two answers to two fingers, the second is the one to go by
            screen = self.phone.screen
            assert time.monotonic() < until, "\n---\n".join((*self.story, self.phone.ward.log))
            assert screen
            await self.step(screen)

    async def does(self, *events: Json) -> None:
        """In one delivery, as LINE does with an album; then the next screen is waited for."""
        shown = len(self.phone.seen)
        await self.phone.ward.deliver(*events)
        if not await self._hears(shown):
            await self._wonders(str(events[0].get("message", events[0].get("postback"))))

    async def _hears(self, shown: int) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while len(self.phone.seen) == shown:
                    self.phone.news.clear()
                    await self.phone.news.wait()
                return True
        return False

    async def _wonders(self, what: str) -> None:
        """Nothing has come: they look at their papers."""
        self.unanswered.append(f"{what} at {self.phone.screen.text if self.phone.screen else ''}")
        shown = len(self.phone.seen)
        await self.phone.ward.deliver(self.phone.says("เอกสาร"))
        assert await self._hears(shown), f"nobody answers: {self.phone.ward.log}"

    async def taps(self, screen: Seen, key: str) -> None:
        await self.presses(screen, WORDS.label(f"choice.{key}"))

    async def presses(self, screen: Seen, label: str) -> None:
        data = screen.buttons[label]
        if self.chance.random() < 0.15:  # a nervous finger
            await self.phone.ward.deliver(self.phone.press(data))
        await self.does(self.phone.press(data))

    async def step(self, screen: Seen) -> None:
        def can(key: str) -> bool:
            return WORDS.label(f"choice.{key}") in screen.buttons

        if WORDS.on(screen, "documents.submitted") or WORDS.on(screen, "ask.checklist_waiting"):
            self.done = True
        elif can("submit_now"):
            await self.taps(screen, "submit_now")
        elif can("submit"):
            await self.taps(screen, "submit")
        elif can("family"):
            await self.presses(screen, next(label for label in screen.buttons if label[0] in "○◐"))
        elif can("ask_waiver"):
            await self.taps(screen, "ask_waiver")
        elif can("stamp_now"):
            await self.taps(screen, "stamp_now")
        elif can("finish") or can("no_such_paper"):
            await self._gathers(screen)
        elif can("signed_by_hand"):
            await self.taps(screen, HOW[_paper(screen)][1])
        elif can("to_list"):
            await self.taps(screen, "to_list")
        elif WORDS.label("menu.documents") in screen.buttons:
            await self.presses(screen, WORDS.label("menu.documents"))
        else:  # they are asked to wait
            shown = len(self.phone.seen)
            if not await self._hears(shown):
                await self._wonders("being asked to wait")

    async def _gathers(self, screen: Seen) -> None:
        paper, webhooks, user = _paper(screen), self.phone.ward.webhooks, self.phone.user
        if paper not in HOW:
            await self.taps(screen, "no_such_paper")
            return
        files = HOW[paper][0]
        if paper not in self.sent:
            self.sent.add(paper)
            if files[0] == "pdf":
                events = [webhooks.file(user, "card.pdf", sample("pdf"))]
            elif len(files) > 1:
                events = webhooks.album(user, [sample(kind, nth) for nth, kind in enumerate(files)])
            else:
                events = [webhooks.image(user, sample(files[0]))]
            await self.does(*(self.phone.ward.noted(self.phone, event) for event in events))
            return
        there = re.search(r"(\d+) หน้า", screen.text)
        if there and (files[0] == "pdf" or int(there[1]) == len(files)):
            await self.taps(screen, "finish")
        elif not await self._hears(len(self.phone.seen)):
            await self._wonders(f"sending {len(files)} and seeing {there[1] if there else 'none'}")


async def moved_in(ward: Ward, how_many: int) -> list[Clerk]:
    """So many people, who are listed and logged in; nobody runs any more."""
    await load_roster(ward)
    who = roster()[:how_many]
    await list_everybody(ward, who)
    ward.watch = NoChild(ward)
    await ward.start()
    found = [Clerk(ward.phone(), person, random.Random(ward.chance.random())) for person in who]
    await asyncio.gather(*(clerk.logs_in() for clerk in found))
    await ward.stop()
    return found


async def live_through(ward: Ward, everybody: Sequence[Clerk], misfortunes: Awaitable[None]) -> None:
    async with asyncio.TaskGroup() as group:
        for clerk in everybody:
            group.create_task(clerk.runs())
        await misfortunes
    await ward.settles()
    ward.check()
    await check(ward, everybody)


async def crowd(ward: Ward, at_once: int, misfortunes: Awaitable[None]) -> list[Clerk]:
    """So many at a time log in and hand in; others follow as long as there are misfortunes."""
    await load_roster(ward)
    queue = roster()
    await list_everybody(ward, queue)
    ward.watch = NoChild(ward)
    over = asyncio.Event()
    found: list[Clerk] = []

    async def seat() -> None:
        while queue and not over.is_set():
            clerk = Clerk(ward.phone(), queue.pop(), random.Random(ward.chance.random()))
            found.append(clerk)
            await clerk.logs_in()
            await clerk.runs()

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(seat())
        await misfortunes
        over.set()
    await ward.settles()
    ward.check()
    await check(ward, found)
    return found


def _paper(screen: Seen) -> str:
    """Which one the question is about: its name begins a line."""
    names = {
        WORDS.label(f"paper.{paper}"): paper for paper in (*HOW, "mother_card", "entry_degree", "entry_transcript")
    }
    lines = screen.text.split("\n")
    begun = [name for name in names if any(line.startswith(name) for line in lines)]
    return names[max(begun, key=len)]


# --- what must be true ------------------------------------------------------------------------------------------------


class NoChild:
    """Looked for after every death: whoever worked on a paper for a server that is gone is gone, too."""

    def __init__(self, ward: Ward) -> None:
        self._ward = ward

    def __call__(self) -> None:
        until = time.monotonic() + 20
        while left := _children({*self._ward.pids} - self._ward.alive):
            assert time.monotonic() < until, f"left behind: {left}"
            time.sleep(0.01)


def _children(parents: set[int]) -> list[int]:
    """Of these processes, alive or not: a child was told on its command line whose it is."""
    found, theirs = [], {str(pid).encode() for pid in parents}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if any(b"bot.papers.child" in word for word in words) and theirs & {*words}:
                found.append(int(process.name))
    return found


async def check(ward: Ward, clerks: Sequence[Clerk]) -> None:
    """After `ward.check`: everything is handed in, whole, as it was named; nothing is left over."""
    for clerk in clerks:
        assert clerk.done
        if clerk.unanswered:
            raise AssertionError("\n---\n".join(clerk.story))
        marks = Counter(seen.mark for seen in clerk.phone.seen if seen.mark)
        assert max(marks.values()) <= 2, f"{clerk.phone.user} was told more often than once more: {marks}"
    NoChild(ward)()
    assert ward.rows("SELECT kind, purpose, reason FROM outbox") == []
    database, vault = await _opened(ward)
    try:
        files = Files(database, objects_at(ward.settings.files_address))
        _check_named(ward, clerks, vault)
        await _check_whole(ward, files, vault)
        await _check_nothing_else(ward, files)
        await _check_whole(ward, files, vault)
    finally:
        await database.close()


def _check_named(ward: Ward, clerks: Sequence[Clerk], vault: Vault) -> None:
    """What was handed in is what the summary named, once."""
    for clerk in clerks:
        index = national_id_index(vault, clerk.person.national_id)
        [person] = ward.rows("SELECT id FROM people WHERE id_index = ?", index)
        papers = ward.rows("SELECT slot, version, state, certified FROM papers WHERE person_id = ?", person["id"])
        assert Counter(paper["state"] for paper in papers) == {"submitted": 3, "waiting": 3}
        [named] = ward.rows("SELECT what FROM saved WHERE account = ?", person["id"])
        submitted = {paper["slot"]: paper["version"] for paper in papers if paper["state"] == "submitted"}
        assert dict(json.loads(named["what"])) == submitted
        how = {paper["slot"]: paper["certified"] for paper in papers if paper["state"] == "submitted"}
        assert how == {"id_card": "phone", "house": "phone", "father": "hand"}, "\n---\n".join((str(how), *clerk.story))


async def _check_whole(ward: Ward, files: Files, vault: Vault) -> None:
    """Every file that something refers to is there, opens, and is what it was."""
    for table in ("pages", "papers"):
        for row in ward.rows(f"SELECT t.*, k.wrapped FROM {table} t JOIN keys k ON k.id = t.key_id"):
            key: Key = vault.unwrap(row["key_id"], row["wrapped"])
            for name in NAMES:
                if row.get(name):
                    data = await files.get(row[name], key)
                    assert data.startswith(b"\xff\xd8" if name == "preview_id" else (b"%PDF-", b"\xff\xd8"))
            if table == "papers" and row["file_id"]:
                shown = await files.get(row["stamped_id"] or row["file_id"], key)
                sha256 = hashlib.sha256(shown).hexdigest()
                assert key.open(row["detail"], "papers", row["id"], "detail")["sha256"] == sha256
                if row["state"] == "submitted":
                    assert row["content_index"] == content_index(vault, sha256)


NAMES = ("file_id", "stamped_id", "preview_id")


async def _check_nothing_else(ward: Ward, files: Files) -> None:
    now = int(time.time() * 1000)
    for later in (2 * 86_400_000, 2 * 86_400_000 + 3_600_000):
        while await files.sweep(now + later):
            pass
    referred = [
        str(row[name]) for table in ("pages", "papers") for row in ward.rows(f"SELECT * FROM {table}")
        for name in NAMES if row.get(name)
    ]  # fmt: skip
    assert max(Counter(referred).values()) == 1, "two things hold one file"
    assert {row["id"] for row in ward.rows("SELECT id FROM files")} == set(referred)
    assert ward.rows("SELECT id FROM files_gone") == []
    assert _objects(ward) == set(referred)


def _objects(ward: Ward) -> set[str]:
    folder = Path(ward.settings.files_address.removeprefix("file://"))
    return {path.name for path in folder.rglob("*") if path.is_file()}
