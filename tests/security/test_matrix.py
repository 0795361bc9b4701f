"""AZ1: role × unit × object × action, all of it, against a plain table that knows nothing of how it is done."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from bot.events import Invalid
from bot.times import local_date
from bot.topic import Equipment
from handlers.organisation import authority
from handlers.organisation.authority import grant_mac
from handlers.organisation.roles import ROLES, Officer, Role
from handlers.review import deciding, queue
from handlers.review.deciding import Decision
from handlers.review.previews import Addresses, Previews
from handlers.review.queue import KINDS, Kind
from handlers.review.rules import Wanted
from storage import people
from storage.database import Tx
from storage.ids import new_id
from storage.people import Person
from tests.house import House, a_house
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
        yield house


async def staff(tx: Tx, house: House) -> list[Person]:
    rows = await tx.all("SELECT id FROM people WHERE status = 'active' ORDER BY id LIMIT 120")
    found = await people.by_ids(tx, house.kp7.vault, [row["id"] for row in rows])
    return [found[row["id"]] for row in rows]


async def belongs(tx: Tx, person: Person, unit: str) -> None:
    code = None if unit == "none" else f"X{unit}"
    await tx.run("UPDATE people SET organisation_code = :code WHERE id = :id", {"code": code, "id": person.id})


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


async def test_nobody_reaches_what_is_not_theirs(place: House) -> None:
    kp7, now = place.kp7, place.clock()
    expected_yes = seen_yes = tried = 0
    leaks: list[object] = []
    async with kp7.database.write() as tx:
        await campaign(tx)
        crowd = iter(await staff(tx, place))
        objects: dict[tuple[str, Kind], str] = {}
        for unit in UNITS:
            for kind in KINDS:
                owner = next(crowd)
                await belongs(tx, owner, unit)
                objects[unit, kind] = await waits(tx, kp7.vault, owner, kind, now)
        officers: list[tuple[Role, bool, Officer, list[str]]] = []
        for role in ROLES:
            for below in (True, False):
                person = next(crowd)
                await belongs(tx, person, "own")
                held = await holds(tx, place, person, role, below=below)
                mine = [await waits(tx, kp7.vault, person, kind, now) for kind in ("paper", "help")]
                officers.append((role, below, held, mine))
    previews, addresses = Previews(_equipment(place)), Addresses(kp7.vault)
    for role, below, held, mine in officers:
        reach = REACHES.get((role, below), REACHES["", below])
        for (unit, kind), id in objects.items():
            allowed = kind in DECIDES[role] and unit in reach
            async with kp7.database.read() as tx:
                there = await item(tx, id)
                found = await queue.find(tx, held, id)
            answers = {"find": found is not None}
            if kind in queue.PAPERS:
                path = addresses.of(there, 1, held.person_id, now)[0]
                meant = addresses.read(path.rpartition("/")[2], now)
                assert meant
                answers["preview"] = await previews.waiting_paper(meant) is not None
            for wanted in WANTS[kind]:
                answers[wanted] = await may(place, held, id, there.seen, wanted, now)
            tried += len(answers)
            seen_yes += sum(answers.values())
            expected_yes += len(answers) * allowed
            leaks += [(role, below, unit, kind, act, said) for act, said in answers.items() if said != allowed]
        for id in mine:  # one's own is nobody's to decide, whatever the role
            async with kp7.database.read() as tx:
                assert await queue.find(tx, held, id) is None
            assert not await may(place, held, id, "00000000", "approve", now)
    assert leaks == []
    assert seen_yes == expected_yes > 50
    assert tried > 1000


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
