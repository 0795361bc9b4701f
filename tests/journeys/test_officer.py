"""HR confirms in person who somebody is (`CARD_VERIFIER=officer`): `kp7 identity`, beside the running server."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cast import ANAN, PRIYA, SOMCHAI, STRANGER, SUK, Player
from tests.command import told
from tests.house import Chat, House, a_house
from tests.security.tools import Lab, rows


@pytest.fixture
async def office(tmp_path: Path, channel: str, database: dict[str, Any]) -> AsyncIterator[House]:
    async with a_house(tmp_path, channel=channel, card_verifier="officer", **database) as house:
        yield house


async def kp7(house: House, *words: str) -> tuple[int, str]:
    """The command as HR types it."""
    return await told(house, "identity", *words, user="registrar")


async def asks_hr(chat: Chat, who: Player, *, name: str = "") -> str:
    """From the welcome to the number that the person tells the officer."""
    await chat.begins(who.national_id)
    await chat.says(name or who.name)
    await chat.says(who.born)
    found = re.search(r"\b\d{6}\b", chat.screen.text)
    assert found, chat.screen.text
    return found[0]


async def test_own_confirmed_check_does_not_open_somebody_elses_record(office: House) -> None:
    """Priya asks HR about herself, cancels, asks about Anan, and shows HR her own card for her own number."""
    priya = await office.somebody()
    own = await asks_hr(priya, PRIYA)
    await priya.says("ยกเลิก")
    stolen = await asks_hr(priya, ANAN)
    before = len(priya.screens)
    assert await kp7(office, "confirm", own) == (0, "confirmed\n")
    await asyncio.sleep(1.2)  # the worker looks twice a second
    assert len(priya.screens) == before
    assert "พิมพ์อีเมล" not in (await priya.says("สวัสดี")).text
    assert stolen in priya.screen.text


async def test_a_name_cannot_break_hrs_list(office: House) -> None:
    """Brackets mean something to the library that draws the table."""
    rogue = await office.somebody()
    reference = await asks_hr(rogue, ANAN, name="อนันต์ [/b][red]สมมติ")
    code, said = await kp7(office, "list")
    assert code == 0, said
    assert reference in said
    assert "[/b][red]" in said


async def finishes(chat: Chat, address: str) -> None:
    """From the question for an address to the menu."""
    chat.sees("ask.email")
    await chat.says(address)
    await chat.says(address)
    mailed = len(chat.house.post.mails)
    await chat.taps("choice.save")
    await chat.says(await chat.house.code_for(address, after=mailed))
    chat.sees("register.saved", "ask.group")
    await chat.taps("choice.civil_servant")
    chat.sees("login.done")


async def test_anan_goes_to_hr_and_the_chat_goes_on_by_itself(office: House) -> None:
    anan = await office.somebody()
    reference = await asks_hr(anan, ANAN)
    anan.sees("wait.officer")
    code, said = await kp7(office, "list", "--json")
    assert code == 0
    (waits,) = json.loads(said)
    assert waits["reference"] == reference
    assert waits["why"] == "card"
    assert waits["on_roster"]
    assert waits["matches"] == {"name": True, "birth_date": True}
    assert ANAN.national_id not in said
    shown = len(anan.screens)
    assert await kp7(office, "confirm", reference) == (0, "confirmed\n")
    await anan.hears(shown + 1)
    await finishes(anan, "anan.hr@example.com")
    assert await rows(office, "SELECT COUNT(*) AS n FROM emails WHERE source = 'officer'") == [{"n": 1}]
    assert await rows(office, "SELECT verdict, decided_by FROM identity_checks") == [
        {"verdict": "confirmed", "decided_by": "cli:registrar"}
    ]
    assert json.loads((await kp7(office, "list", "--json"))[1]) == []


async def test_hr_refuses(office: House) -> None:
    anan = await office.somebody("en")
    reference = await asks_hr(anan, ANAN)
    shown = len(anan.screens)
    assert await kp7(office, "refuse", reference, "--by", "somsri") == (0, "refused\n")
    await anan.hears(shown + 1)
    anan.sees("error.officer_refused")
    assert await rows(office, "SELECT verdict, decided_by FROM identity_checks") == [
        {"verdict": "refused", "decided_by": "cli:somsri"}
    ]
    again = await asks_hr(anan, ANAN)
    assert again != reference


async def test_nobody_unknown_or_retired_gets_in_through_hr(office: House) -> None:
    """HR cannot confirm an ID that is on no roster; one who has left is confirmed to no avail."""
    nobody, retired = await office.somebody(), await office.somebody()
    unknown = await asks_hr(nobody, STRANGER)
    code, said = await kp7(office, "confirm", unknown)
    assert code == 1
    assert "roster" in said
    assert await rows(office, "SELECT verdict FROM identity_checks WHERE reference = :r", r=unknown) == [
        {"verdict": None}
    ]
    assert (await kp7(office, "refuse", unknown))[0] == 0
    gone = await asks_hr(retired, SUK)
    shown = len(retired.screens)
    if (await kp7(office, "confirm", gone))[0] == 0:
        await retired.hears(shown + 1)
        for _ in range(2):
            await retired.says("suk.back@example.com")
        await retired.taps("choice.save")
        retired.sees("error.start_over")
    assert not office.post.mails


async def test_two_officers_at_once_and_a_wrong_number(office: House) -> None:
    """Opposite verdicts in the same moment: one counts, the other officer is told."""
    anan = await office.somebody()
    reference = await asks_hr(anan, ANAN)
    shown = len(anan.screens)
    done = await asyncio.gather(kp7(office, "confirm", reference), kp7(office, "refuse", reference))
    assert sorted(code for code, _ in done) == [0, 1]
    assert any("decided already" in said for _, said in done)
    await anan.hears(shown + 1)
    anan.sees("ask.email" if done[0][0] == 0 else "error.officer_refused")
    code, said = await kp7(office, "confirm", "000000" if reference != "000000" else "000001")
    assert code == 1
    assert "No check has this reference" in said


async def test_whoever_cancelled_meanwhile_is_left_alone(office: House) -> None:
    anan = await office.somebody()
    reference = await asks_hr(anan, ANAN)
    await anan.taps("control.cancel")
    await anan.begins(ANAN.national_id)
    anan.sees("ask.name")
    shown = len(anan.screens)
    assert (await kp7(office, "confirm", reference))[0] == 0
    await asyncio.sleep(1)
    assert len(anan.screens) == shown
    await anan.says(ANAN.name)
    anan.sees("ask.birth_date")


async def test_a_restart_between_question_and_verdict(office: House) -> None:
    """The verdict is given while the server is down, and the chat goes on when it is back."""
    anan = await office.somebody()
    reference = await asks_hr(anan, ANAN)
    shown = len(anan.screens)
    await office.stop()
    assert await kp7(office, "confirm", reference) == (0, "confirmed\n")
    await office.start()
    await anan.hears(shown + 1)
    await finishes(anan, "anan.hr@example.com")


async def test_three_checks_a_day(office: House) -> None:
    anan = await office.somebody()
    for _ in range(3):
        await asks_hr(anan, ANAN)
        await anan.taps("control.cancel")
    await anan.begins(ANAN.national_id)
    await anan.says(ANAN.name)
    await anan.says(ANAN.born)
    anan.sees("error.too_many_checks")
    assert len(await rows(office, "SELECT 1 FROM identity_checks")) == 1, "one waits for a chat and an ID"


async def test_six_checks_a_day_of_one_id_whoever_asks(office: House) -> None:
    """One chat alone shuts nobody out, many are no flood; HR lifts it (`kp7 identity unblock`)."""
    for n in range(6):
        chat = await office.somebody()
        await asks_hr(chat, ANAN, name=f"ใครก็ได้ คนที่{'กขคงจฉ'[n]}")
    anan = await office.somebody()
    await anan.begins(ANAN.national_id)
    await anan.says(ANAN.name)
    await anan.says(ANAN.born)
    anan.sees("error.too_many_checks")
    assert len(await rows(office, "SELECT 1 FROM identity_checks")) == 6
    assert (await kp7(office, "unblock", ANAN.national_id))[0] == 0
    await anan.taps("control.cancel")
    await asks_hr(anan, ANAN)


async def test_somebody_whose_birth_date_nobody_knows(office: House) -> None:
    chat = await office.somebody()
    await chat.begins(ANAN.national_id)
    await chat.says(ANAN.name)
    await chat.taps("choice.birth_unknown")
    chat.sees("wait.officer")
    (waits,) = json.loads((await kp7(office, "list", "--json"))[1])
    assert waits["birth_date"] == "birth_unknown"
    assert waits["matches"] == {"name": True, "birth_date": False}


async def test_hr_lifts_what_a_hundred_wrong_codes_disabled(office: House) -> None:
    """Somebody guessed at Somchai's codes until nothing works any more. He goes to HR with his card."""
    person = await Lab(office, office.settings).person(SOMCHAI)
    async with office.kp7.database.write() as tx:
        await tx.run("UPDATE people SET wrong_codes = 100 WHERE id = :id", {"id": person.id})
    somchai = await office.somebody()
    await somchai.begins(SOMCHAI.national_id)
    somchai.sees("error.code_disabled", "ask.national_id")
    assert await kp7(office, "unblock", STRANGER.national_id) == (1, "Nobody on the roster has this ID.\n")
    assert await kp7(office, "unblock", SOMCHAI.national_id) == (0, "unblocked\n")
    await somchai.says(SOMCHAI.national_id)
    somchai.sees("ask.code")
    await somchai.says(await office.code_for(SOMCHAI.email))
    somchai.sees("ask.group")


async def test_priya_is_sent_to_hr_although_her_card_fits(house: House) -> None:
    """Appointed after 1 ต.ค. 2561: the form of her reporting day is HR's to correct, here with the roster's cards."""
    priya = await house.somebody()
    await priya.begins(PRIYA.national_id)
    for answer in (PRIYA.name, PRIYA.born, PRIYA.laser):
        await priya.says(answer)
    priya.sees("register.form_needed", "wait.officer")
    found = re.search(r"\b\d{6}\b", priya.screen.text)
    assert found
    (waits,) = json.loads((await kp7(house, "list", "--json"))[1])
    assert waits["why"] == "form"
    shown = len(priya.screens)
    assert (await kp7(house, "confirm", found[0]))[0] == 0
    await priya.hears(shown + 1)
    await finishes(priya, "priya.hr@example.com")


async def test_a_card_that_is_not_the_rosters_is_not_confirmed_by_habit(office: House) -> None:
    """A stranger types Anan's ID with a name of their own, and comes to HR with their own, genuine card."""
    stranger = await office.somebody()
    reference = await asks_hr(stranger, replace(ANAN, name=STRANGER.name))
    (waits,) = json.loads((await kp7(office, "list", "--json"))[1])
    assert waits["roster_name"] == "นายอนันต์ สมมติ"
    assert waits["matches"] == {"name": False, "birth_date": True}
    code, said = await kp7(office, "confirm", reference)
    assert code == 1
    assert "--despite-mismatch" in said
    assert (await kp7(office, "confirm", reference, "--despite-mismatch"))[0] == 0
