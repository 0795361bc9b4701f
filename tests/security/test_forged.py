"""Somebody writes the database, without MASTER_KEY: no session, no code and nobody's data for them."""

import pytest

from handlers.identity import codes
from tests.cast import MALEE, SOMCHAI
from tests.house import House
from tests.security.tools import Lab, all_said, change, history, rows


async def test_a_chat_that_was_given_to_somebody_else_is_logged_out(house: House) -> None:
    somchai, malee = await house.somebody(), await house.somebody()
    await somchai.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await malee.logs_in(MALEE.national_id, MALEE.email)
    mine, hers = await rows(house, "SELECT id, person_id FROM accounts ORDER BY created_at, id")
    await change(house, "UPDATE accounts SET person_id = NULL, session = NULL WHERE id = :id", id=hers["id"])
    await change(
        house, "UPDATE accounts SET person_id = :hers WHERE id = :mine", hers=hers["person_id"], mine=mine["id"]
    )
    await change(house, "DELETE FROM conversations WHERE account_id = :id", id=mine["id"])
    await somchai.says("ข้อมูลของฉัน")
    somchai.sees("session_over")
    assert "มาลี" not in "\n".join(somchai.screen["lines"])
    (now,) = await rows(house, "SELECT person_id, session FROM accounts WHERE id = :id", id=mine["id"])
    assert now == {"person_id": None, "session": None}


FORGERIES = {
    "longer": "UPDATE accounts SET session_at = session_at + 1",
    "invented": "UPDATE accounts SET session = 'one'",
    "half of it": "UPDATE accounts SET session = substr(session, 1, 44)",
    "under another key": "UPDATE accounts SET key_id = (SELECT key_id FROM people ORDER BY id LIMIT 1)",
}


@pytest.mark.parametrize("what", FORGERIES)
async def test_a_session_that_was_edited_is_over(house: House, what: str) -> None:
    chat = await house.somebody()
    await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await change(house, FORGERIES[what])
    await chat.says("ข้อมูลของฉัน")
    chat.sees("session_over")
    assert (await rows(house, "SELECT person_id, session FROM accounts"))[0] == {"person_id": None, "session": None}


async def test_what_stands_in_another_browser_is_not_shown_by_putting_it_under_ones_own(house: House) -> None:
    somchai, attacker = await house.somebody(), await house.somebody()
    await somchai.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await somchai.taps("menu.profile")
    await attacker.says("สวัสดี")
    await all_said(house)
    his, theirs = await rows(house, "SELECT id, external_id FROM accounts ORDER BY created_at, id")
    assert "สมชาย" in await history(somchai)
    await change(house, "UPDATE accounts SET external_id = 'aside' WHERE id = :id", id=theirs["id"])
    await change(house, "UPDATE accounts SET external_id = :to WHERE id = :id", to=theirs["external_id"], id=his["id"])
    assert "สมชาย" not in await history(attacker)


async def test_ones_own_code_put_on_somebody_elses_row_is_a_wrong_one(house: House) -> None:
    attacker, chat = await house.somebody(), await house.somebody()
    await attacker.begins(SOMCHAI.national_id)
    code = await house.code_for(SOMCHAI.email)
    mailed = len(house.post.mails)
    await chat.begins(MALEE.national_id)
    await house.code_for(MALEE.email, after=mailed)
    own, hers = await rows(house, "SELECT id, hash FROM codes ORDER BY issued_at, id")
    await change(house, "DELETE FROM codes WHERE id = :id", id=own["id"])
    await change(house, "UPDATE codes SET id = :own, hash = :hash WHERE id = :hers", own=own["id"], hash=own["hash"],
                 hers=hers["id"])  # fmt: skip
    await chat.says(code)
    chat.sees("error.code_wrong", "ask.code")


EDITS = {
    "longer": "UPDATE codes SET expires_at = expires_at + 600000",
    "of another day": "UPDATE codes SET issued_at = issued_at - 1",
}


@pytest.mark.parametrize("what", EDITS)
async def test_a_code_whose_row_was_edited_is_a_wrong_one(house: House, what: str) -> None:
    chat = await house.somebody()
    await chat.begins(SOMCHAI.national_id)
    code = await house.code_for(SOMCHAI.email)
    await change(house, EDITS[what])
    await chat.says(code)
    chat.sees("error.code_wrong", "ask.code")


async def test_a_code_that_is_only_said_to_have_been_entered_begins_no_session(house: House) -> None:
    lab = Lab(house, house.settings)
    account, person = await lab.account(await house.somebody()), await lab.person(SOMCHAI)

    found: list[bool] = []

    async def spent() -> bool:
        async with lab.desk(account, undo=True) as desk:
            found.append(await codes.spend(desk, person, ("login",), by="spent"))
        return found.pop()

    code = await lab.issue(account, "login", person, SOMCHAI.email)
    await change(house, "UPDATE codes SET outcome = 'used', ended_at = :now", now=house.clock())
    assert not await spent(), "nobody has entered it"
    await change(house, "UPDATE codes SET outcome = NULL, ended_at = NULL")
    assert await lab.guess(account, "login", person, SOMCHAI.email, code) == "right"
    assert await spent()
    await change(house, "UPDATE codes SET ended_at = ended_at + 1")
    assert not await spent(), "it was entered at another time"
