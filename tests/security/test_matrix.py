"""AZ1: role × unit × object × action, all of it, against a plain table that knows nothing of how it is done."""

import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import httpx
import pytest

from bot import page_links
from bot.app import web_app
from bot.events import Invalid, Say
from bot.times import local_date
from bot.topic import Context, Equipment
from handlers.organisation import authority, proofs
from handlers.organisation.authority import grant_mac
from handlers.organisation.roles import ROLES, Officer, Role
from handlers.review import deciding, opening, queue
from handlers.review.deciding import Decision
from handlers.review.desk.seats import Seats
from handlers.review.effects import Look, Open
from handlers.review.previews import Addresses, Previews
from handlers.review.queue import KINDS, Item, Kind
from handlers.review.record import Record
from handlers.review.rules import Wanted
from samples import make_papers
from storage import chats, people, seals
from storage.database import Tx
from storage.files import hold
from storage.ids import new_id
from storage.macs import mac
from storage.people import Person
from storage.vault import Vault
from tests.databases import on_a_file
from tests.house import House, a_house
from tests.sealing import sealed
from tests.signing import context_of
from tests.waiting import campaign, item, waits

# Where somebody belongs, seen from the officer's scope.
UNITS = ("own", "below", "sibling", "above", "other", "none", "supervised")
ORGANISATIONS = {
    "above": (None, "department"),
    "own": ("above", "division"),
    "below": ("own", "centre"),
    "sibling": ("above", "division"),
    "other": (None, "department"),
    "supervised": ("own", "town_municipality"),
}
# Which kinds of things each role decides, by the letters.
DECIDES: dict[Role, frozenset[Kind]] = {
    "unit_hr": frozenset({"paper", "waiver", "identity", "lock", "relink", "help"}),
    "unit_admin": frozenset({"identity", "lock", "relink", "help"}),
    "province_officer": frozenset({"paper2"}),
    "department_officer": frozenset(),
    "central_admin": frozenset(),
}
REACHES = {  # by role (or any other) and whether it applies to what is below, too
    ("province_officer", True): {"own", "below", "supervised"},
    ("department_officer", True): {"own", "below", "supervised"},
    ("", True): {"own", "below"},
    ("", False): {"own"},
}
WANTS: dict[Kind, tuple[Wanted, ...]] = {
    "paper": ("approve", "return"),
    "paper2": ("approve", "return"),
    "waiver": ("approve", "return"),
    "identity": ("confirm", "refuse"),
    "lock": ("unlock", "refuse"),
    "relink": ("keep", "cut_off"),
    "help": ("answer",),
}


class Undone(Exception):
    """Takes back what was tried."""


@pytest.fixture
async def place(tmp_path: Path, database_url: str) -> AsyncIterator[House]:
    async with a_house(tmp_path, database_url=database_url) as house:
        await house.somebody()  # requests come from some chat
        async with house.kp7.database.write() as tx:
            for code, (parent, kind) in ORGANISATIONS.items():
                await tx.run(
                    "INSERT INTO organisations (code, parent_code, type, name_th, name_en, province, district) "
                    "VALUES (:code, :parent, :kind, :code, :code, '', '')",
                    {"code": f"X{code}", "parent": f"X{parent}" if parent else None, "kind": kind},
                )
                await sealed(tx, house.kp7.vault, seals.ORGANISATIONS, f"X{code}")
        yield house


async def staff(tx: Tx, house: House) -> list[Person]:
    rows = await tx.all("SELECT id FROM people WHERE status = 'active' ORDER BY id LIMIT 120")
    found = await people.by_ids(tx, house.kp7.vault, [row["id"] for row in rows])
    return [found[row["id"]] for row in rows]


async def belongs(tx: Tx, vault: Vault, person: Person, unit: str) -> None:
    code = None if unit == "none" else f"X{unit}"
    await tx.run("UPDATE people SET organisation_code = :code WHERE id = :id", {"code": code, "id": person.id})
    await sealed(tx, vault, seals.PEOPLE, person.id)


async def holds(tx: Tx, house: House, person: Person, role: Role, *, below: bool) -> Officer:
    row = {
        "id": new_id(), "person_id": person.id, "role": role, "scope": "Xown", "below": int(below), "home": "Xown",
        "key_id": person.key.id, "detail": "", "order_date": "2026-01-01", "order_file": "", "starts_on": "2026-01-01",
        "ends_on": None, "granted_by": "cli:test", "granted_at": 1, "ended_at": None, "ended_why": None,
    }  # fmt: skip
    columns = ", ".join(row)
    await tx.run(
        f"INSERT INTO grants ({columns}, mac) VALUES ({', '.join(f':{name}' for name in row)}, :mac)",
        {**row, "mac": grant_mac(house.kp7.vault, row)},
    )
    found = await authority.officer(tx, house.kp7.vault, person.id, today(house))
    assert found
    return found


def today(house: House) -> date:
    return local_date(house.clock(), house.settings.timezone)


@dataclass
class Scene:
    """`objects`: of each unit and kind what waits there. `mine`: what waits that is the officer's own."""

    objects: dict[tuple[str, Kind], Item] = field(default_factory=dict)
    officers: list[tuple[Role, bool, Officer, list[Item]]] = field(default_factory=list)

    def everything(self) -> Iterator[tuple[Role, bool, Officer, str, Item, bool]]:
        """Whose role, below or not, as whom, where, what, and whether it is theirs to see and to decide."""
        for role, below, held, mine in self.officers:
            reach = REACHES.get((role, below), REACHES["", below])
            for (unit, kind), one in self.objects.items():
                yield role, below, held, unit, one, kind in DECIDES[role] and unit in reach
            for one in mine:  # one's own is nobody's to decide, whatever the role
                yield role, below, held, "their own", one, False


def test_the_table_is_whole() -> None:
    assert DECIDES.keys() == set(ROLES), "a new role: DECIDES says what it decides, by the letters"
    assert WANTS.keys() == set(KINDS), "a new kind of thing that waits: WANTS says what may be made of it"


@pytest.fixture
async def scene(place: House) -> Scene:
    kp7, now, made = place.kp7, place.clock(), Scene()
    async with kp7.database.read() as tx:
        crowd = iter(await staff(tx, place))
    owners = {(unit, kind): next(crowd) for unit in UNITS for kind in KINDS}
    people_ = [(role, below, next(crowd)) for role in ROLES for below in (True, False)]
    papers = [owner for (_, kind), owner in owners.items() if kind in queue.PAPERS]
    pdf = make_papers.pdf("id_card")
    kept = {
        one.id: await kp7.files.put(one.id, one.key, pdf, now) for one in (*papers, *(who for _, _, who in people_))
    }
    async with kp7.database.write() as tx:
        await campaign(tx, kp7.vault)
        ids: dict[tuple[str, Kind], str] = {}

        async def wait(owner: Person, kind: Kind) -> str:
            file = kept[owner.id] if kind in queue.PAPERS else None
            assert file is None or await hold(tx, file.id, owner.id)
            return await waits(tx, kp7.vault, owner, kind, now, file=file)

        for (unit, kind), owner in owners.items():
            await belongs(tx, kp7.vault, owner, unit)
            ids[unit, kind] = await wait(owner, kind)
        for role, below, person in people_:
            await belongs(tx, kp7.vault, person, "own")
            held = await holds(tx, place, person, role, below=below)
            mine = [await item(tx, await wait(person, kind)) for kind in ("paper", "help")]
            made.officers.append((role, below, held, mine))
        made.objects = {which: await item(tx, id) for which, id in ids.items()}
    return made


async def test_nobody_reaches_what_is_not_theirs(place: House, scene: Scene) -> None:
    kp7, now = place.kp7, place.clock()
    expected_yes = seen_yes = tried = 0
    leaks: list[object] = []
    previews, addresses = Previews(_equipment(place)), Addresses(kp7.vault)
    for role, below, held, unit, there, allowed in scene.everything():
        async with kp7.database.read() as tx:
            found = await queue.find(tx, kp7.vault, held, there.id)
        answers = {"find": found is not None}
        if there.kind in queue.PAPERS:
            path = addresses.of(there, 1, held.person_id, now)[0]
            meant = addresses.read(path.rpartition("/")[2], now)
            assert meant
            answers["preview"] = await previews.waiting_paper(meant) is not None
        for wanted in WANTS[there.kind]:
            answers[wanted] = await may(place, held, there.id, there.seen, wanted, now)
        tried += len(answers)
        seen_yes += sum(answers.values())
        expected_yes += len(answers) * allowed
        leaks += [(role, below, unit, there.kind, act, said) for act, said in answers.items() if said != allowed]
    assert leaks == []
    assert seen_yes == expected_yes > 50
    assert tried > 1000


@on_a_file
async def test_nobody_opens_what_is_not_theirs(place: House, scene: Scene) -> None:
    """From the chat, behind a link to a page, and at the desk; with links and tickets that are as good as real ones, so
    that nothing but the role keeps anybody out."""
    leaks: list[object] = []
    expected_yes = seen_yes = 0
    transport = httpx.ASGITransport(web_app(place.kp7))
    openings = {held.person_id: await Opening.of(place, held) for _, _, held, _ in scene.officers}
    theirs = {
        held.person_id: [there for *_, one, _, there, _ in scene.everything() if one is held]
        for _, _, held, _ in scene.officers
    }
    links = {id: await openings[id].links(items) for id, items in theirs.items()}
    async with httpx.AsyncClient(transport=transport, base_url=place.url) as client:
        for role, below, held, unit, there, allowed in scene.everything():
            link = links[held.person_id][there.id]
            answers = link.said | await openings[held.person_id].tries(client, there, link)
            seen_yes += sum(said == "opened" for said in answers.values())
            expected_yes += len(answers) * allowed
            right = "opened" if allowed else "not here"
            leaks += [(role, below, unit, there.kind, act, said) for act, said in answers.items() if said != right]
    assert leaks == []
    assert seen_yes == expected_yes > 50


@dataclass(frozen=True)
class Link:
    """To the page of something that waits, and `said`: what the chat answers to who wants to see it there."""

    path: str
    cookie: dict[str, str]
    said: dict[str, str]


@dataclass
class Opening:
    """An officer in a chat and at the desk, who has just shown the six digits in both."""

    house: House
    visitor: Context
    cookie: str
    seat: str

    @classmethod
    async def of(cls, house: House, held: Officer) -> "Opening":
        await house.somebody()
        kp7, now = house.kp7, house.clock()
        seats = Seats(_equipment(house))
        cookie, seat = seats.new()
        async with kp7.database.write() as tx:
            chat = await tx.one("SELECT * FROM accounts ORDER BY id DESC LIMIT 1", {})
            assert chat
            session = await chats.begin_session(tx, kp7.vault, chat, held.person_id, now)
            for where in (chat["id"], seat):
                await proofs.prove(tx, kp7.vault, kp7.settings, where, held.person_id, chat["id"], session, now)
            row = await tx.one("SELECT * FROM accounts WHERE id = :id", {"id": chat["id"]})
            assert row
            context = context_of(house, tx, row, await people.by_id(tx, kp7.vault, held.person_id))
        return cls(house, context, cookie, seat)

    async def links(self, items: Sequence[Item]) -> dict[str, Link]:
        """To each of these, bound to a browser."""
        async with self.house.kp7.database.write() as tx:
            context = replace(self.visitor, tx=tx)
            return {there.id: await self._link(context, there) for there in items}

    async def _link(self, context: Context, there: Item) -> Link:
        tx, vault, browser = context.tx, context.vault, secrets.token_urlsafe(32)
        record = Record(_equipment(self.house))
        said = {"card": _shown(await record.look(context, Look(there.id, there.seen)))}
        opened = _shown(await record.open(context, Open(there.id, there.seen)))
        if there.kind in queue.PAPERS:
            said["open"] = opened
        else:
            assert opened == "not here"  # there is no paper to it
        about = {"paper": there.id, "seen": there.seen}
        path = await page_links.open_link(context, opening.PREFIX, opening.PURPOSE, about)
        id = page_links.id_of(vault, path.rpartition("/")[2])
        assert id
        link = await page_links.find(tx, vault, context.settings, id, context.now, purpose=opening.PURPOSE)
        assert link
        assert await page_links.bind(tx, vault, link, vault.index("page_browser", browser))
        return Link(path, {f"kp7-paper-{id[:16]}": browser}, said)

    async def tries(self, client: httpx.AsyncClient, there: Item, link: Link) -> dict[str, str]:
        ticket = mac(self.house.kp7.vault.secret("desk_tickets"), self.seat, there.id, there.seen)
        desk, seat = f"/console/api/items/{there.id}", {"kp7-desk": self.cookie}
        answers = {
            "item": await self._gets(client, desk, seat),
            "number": await self._posts(client, f"{desk}/national-id", {"ticket": ticket}, seat),
        }
        if there.kind not in queue.PAPERS:
            assert await self._gets(client, link.path, link.cookie) == "not here"
            return answers
        return answers | {
            "page": await self._gets(client, link.path, link.cookie),
            "page's original": await self._gets(client, f"{link.path}/original", link.cookie),
            "desk's original": await self._gets(client, f"{desk}/original?ticket={ticket}", seat),
            "desk's picture": await self._gets(client, f"{desk}/pages/1?ticket={ticket}", seat),
        }

    async def _gets(self, client: httpx.AsyncClient, path: str, cookies: dict[str, str]) -> str:
        return _answered(await client.get(path, headers=_cookies(cookies)))

    async def _posts(
        self, client: httpx.AsyncClient, path: str, said: object, cookies: dict[str, str]
    ) -> str:  # fmt: skip
        headers = {**_cookies(cookies), "sec-fetch-site": "same-origin"}
        return _answered(await client.post(path, json=said, headers=headers))


def _cookies(cookies: dict[str, str]) -> dict[str, str]:
    return {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}


def _answered(answer: httpx.Response) -> str:
    return {200: "opened", 404: "not here"}.get(answer.status_code, f"{answer.status_code} {answer.text}")


def _shown(said: object) -> str:
    """What an effect of the chat gave."""
    if isinstance(said, Say) and said.text in ("error.item_gone", "error.not_officer"):
        return "not here"
    return "opened" if isinstance(said, dict) else str(said)


def _equipment(house: House) -> Equipment:
    kp7 = house.kp7
    return Equipment(kp7.database, kp7.vault, kp7.policy, kp7.texts, kp7.files, kp7.papers, {}, kp7.clock)


async def may(house: House, held: Officer, id: str, seen: str, wanted: Wanted, now: int) -> bool:
    decision = Decision(id, seen, wanted, "other" if wanted == "return" else "", "คำ", sure=True)
    kp7 = house.kp7
    try:
        async with kp7.database.write() as tx:
            await deciding.decide(
                tx, kp7.vault, kp7.settings, held.person_id, decision, by=f"web:{held.person_id}", now=now
            )
            raise Undone
    except Undone:
        return True
    except Invalid as wrong:
        return wrong.code not in ("item_gone", "not_officer")
