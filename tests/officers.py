"""Officers for everybody's tests: a role that an order gave, and a second factor that works."""

import hashlib

import pyotp

from bot.papers.shapes import Paper, Sheet
from bot.times import local_date
from handlers.organisation import factors, grants
from handlers.organisation.grants import Order, Wanted
from handlers.organisation.roles import Role
from storage import people
from storage.people import Person, national_id_index
from tests.house import House

PDF = b"%PDF-1.7 an order"


async def take_in(pdf: bytes) -> Paper:
    """As if the room for papers had looked at it, which takes a third of a second."""
    return Paper(pdf, hashlib.sha256(pdf).hexdigest(), (Sheet(595, 842, written=True),), repaired=False, preview=b"")


async def officer(
    house: House,
    national_id: str,
    role: Role = "unit_hr",
    scope: str = "D01",
    below: bool = True,
    *,
    enrolled: bool = True,
) -> pyotp.TOTP:
    """→ what makes their six digits (`.now()` tells the real time: `.at(house.clock() / 1000)`)"""
    await grant(house, national_id, role, scope, below=below)
    return await enrol(house, national_id) if enrolled else pyotp.TOTP("")


async def grant(
    house: House, national_id: str, role: Role = "unit_hr", scope: str = "D01", *, below: bool = True
) -> str:
    """→ its id"""
    kp7, timezone = house.kp7, house.settings.timezone
    today = local_date(house.clock(), timezone)
    order = Order("กม 1/2569", today, PDF, "นายหัวหน้า ส่วนราชการ")
    wanted = Wanted(role, scope, below, order, today)
    return await grants.add(
        kp7.database, kp7.vault, kp7.files, take_in, national_id, wanted,
        by="cli:somsri", clock=house.clock, timezone=timezone,
    )  # fmt: skip


async def revoke(house: House, national_id: str, grant: str = "") -> None:
    kp7 = house.kp7
    await grants.revoke(kp7.database, kp7.vault, national_id, grant=grant, by="cli:somsri", clock=house.clock)


async def enrol(house: House, national_id: str) -> pyotp.TOTP:
    """By a code of some minutes ago, so that today's are still good."""
    person, kp7, then = await who(house, national_id), house.kp7, house.clock() - 120_000
    async with kp7.database.write() as tx:
        secret = await factors.begin(tx, kp7.vault, person.id, person.key, then)
        assert secret, "they have one"
        totp = pyotp.TOTP(secret)
        await factors.confirm(
            tx, kp7.vault, house.settings, person.id, person.key, totp.at(then // 1000), then,
            by=f"web:{person.id}",
        )  # fmt: skip
    return totp


async def who(house: House, national_id: str) -> Person:
    async with house.kp7.database.read() as tx:
        person = await people.by_index(tx, house.kp7.vault, national_id_index(house.kp7.vault, national_id))
    assert person
    return person
