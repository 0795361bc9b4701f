"""What an officer has proved in one chat is good there, for a while, and as long as that very session lives."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from handlers.organisation import proofs
from handlers.organisation.proofs import Proof
from storage.database import Row
from tests.cast import MALEE, SOMCHAI
from tests.house import Chat, House, a_house
from tests.security.tools import all_said, change, person, rows


@dataclass
class Office:
    house: House
    malee: Chat
    account: Row

    @classmethod
    async def of(cls, house: House) -> "Office":
        malee = await house.somebody()
        await malee.logs_in(MALEE.national_id, MALEE.email)
        owner = await person(house, MALEE)
        (account,) = await rows(house, "SELECT * FROM accounts WHERE person_id = :id", id=owner.id)
        return cls(house, malee, account)

    async def proves(self, id: str = "") -> None:
        kp7, a = self.house.kp7, self.account
        async with kp7.database.write() as tx:
            await proofs.prove(
                tx, kp7.vault, kp7.policy.settings, id or a["id"], a["person_id"], a["id"], a["session"],
                self.house.clock(),
            )  # fmt: skip

    async def proof(self, id: str = "") -> Proof | None:
        kp7 = self.house.kp7
        async with kp7.database.write() as tx:
            here = id or self.account["id"]
            return await proofs.proved(tx, kp7.vault, kp7.policy.settings, here, self.house.clock(), lock=True)


@pytest.fixture
async def office(tmp_path: Path, database_url: str) -> AsyncIterator[Office]:
    async with a_house(tmp_path, database_url=database_url, files_url=(tmp_path / "files").as_uri()) as house:
        yield await Office.of(house)


async def test_it_lasts_a_quarter_of_an_hour_from_each_use_and_twelve_hours_in_all(office: Office) -> None:
    await office.proves()
    for _ in range(3):
        office.house.clock.forward(minutes=14)
        assert await office.proof()
    office.house.clock.forward(minutes=16)
    assert await office.proof() is None
    await office.proves()
    office.house.clock.forward(hours=11, minutes=50)
    for table in ("officer_sessions", "accounts"):  # something was said, and done, every now and then
        await change(office.house, f"UPDATE {table} SET seen_at = :now", now=office.house.clock())
    found = await office.proof()
    assert found
    assert not proofs.fresh(found, office.house.clock(), 5)
    await office.proves()  # once more: it is fresh, and does not last longer for that
    again = await office.proof()
    assert again
    assert proofs.fresh(again, office.house.clock(), 5)
    assert again.made_at == found.made_at
    office.house.clock.forward(minutes=11)
    assert await office.proof() is None


async def test_no_clock_that_is_set_back_makes_it_last_longer(office: Office) -> None:
    await office.proves()
    office.house.clock.forward(minutes=-10)
    found = await office.proof()
    assert found
    assert not proofs.fresh(found, office.house.clock(), 5)
    office.house.clock.forward(minutes=-20)
    assert await office.proof() is None


async def test_it_ends_with_the_session_and_with_its_own_end(office: Office) -> None:
    await office.proves()
    await office.proves("desk")
    assert await office.proof("desk")
    async with office.house.kp7.database.write() as tx:
        await proofs.end(tx, "desk")
    assert await office.proof("desk") is None
    await office.proves("desk")
    assert await office.proof()
    await office.malee.says("ออกจากระบบ")
    await all_said(office.house)
    assert await office.proof() is None
    assert await office.proof("desk") is None
    await office.malee.logs_in(MALEE.national_id, MALEE.email)  # which is another session
    assert await office.proof() is None
    assert await office.proof("desk") is None


async def test_somebody_elses_chat_has_proved_nothing(office: Office) -> None:
    """Somchai logs in on the same telephone; or somebody writes his chat, or his session, on Malee's proof."""
    await office.proves()
    somchai = await office.house.somebody()
    await somchai.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    his = await person(office.house, SOMCHAI)
    (account,) = await rows(office.house, "SELECT * FROM accounts WHERE person_id = :id", id=his.id)
    assert await office.proof(account["id"]) is None
    moved = "UPDATE officer_sessions SET id = :chat, account_id = :chat, person_id = :person"
    await change(office.house, moved, chat=account["id"], person=his.id)
    assert await office.proof(account["id"]) is None


EDITS = {
    "fresh": "UPDATE officer_sessions SET proved_at = proved_at + 1",
    "younger": "UPDATE officer_sessions SET made_at = made_at + 1",
    "of another chat": "UPDATE officer_sessions SET id = 'x'",
    "without a MAC": "UPDATE officer_sessions SET mac = ''",
    "a session that KP7 did not begin": "UPDATE accounts SET session_at = session_at + 1",
    "a chat that was given away": "UPDATE accounts SET person_id = NULL",
}


@pytest.mark.parametrize("what", EDITS)
async def test_what_was_edited_is_no_proof(office: Office, what: str) -> None:
    await office.proves()
    await change(office.house, EDITS[what])
    assert await office.proof("x" if what == "of another chat" else "") is None
