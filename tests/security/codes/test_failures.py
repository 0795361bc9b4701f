"""Failures add up over chats, purposes and people (OTP5)."""

from pathlib import Path

from tests.cast import MALEE, SOMCHAI
from tests.house import House, a_house
from tests.security.codes.tools import OTHER
from tests.security.tools import Lab, other_than


async def test_ten_wrong_codes_an_hour_over_chats(house: House) -> None:
    for _ in range(2):
        chat = await house.somebody()
        mailed = len(house.post.mails)
        await chat.begins(SOMCHAI.national_id)
        code = await house.code_for(SOMCHAI.email, after=mailed)
        for n in range(5):
            await chat.says(other_than(code, n))
        house.clock.forward(minutes=16)
    innocent = await house.somebody()
    await innocent.begins(SOMCHAI.national_id)
    innocent.sees("error.code_locked")
    house.clock.forward(minutes=29)  # 61 minutes since the first of the ten
    mailed = len(house.post.mails)
    await innocent.says(SOMCHAI.national_id)
    await innocent.says(await house.code_for(SOMCHAI.email, after=mailed))
    innocent.sees("ask.group")


async def test_ten_wrong_codes_an_hour_over_purposes(house: House) -> None:
    """Three at login, four at step-up, three for the new address: the right one is refused."""
    chat = await house.somebody()
    await chat.begins(SOMCHAI.national_id)
    code = await house.code_for(SOMCHAI.email)
    for n in range(3):
        await chat.says(other_than(code, n))
    await chat.says(code)
    await chat.taps("choice.civil_servant")
    house.clock.forward(minutes=6)
    await chat.taps("menu.change_email")
    await chat.says("new@example.com")
    await chat.says("new@example.com")
    mailed = len(house.post.mails)
    await chat.taps("choice.save")
    code = await house.code_for(SOMCHAI.email, after=mailed)
    for n in range(4):
        await chat.says(other_than(code, n))
    await chat.says(code)
    code = await house.code_for("new@example.com")
    for n in range(3):
        await chat.says(other_than(code, n))
    await chat.says(code)
    chat.sees("error.code_locked")


async def test_twenty_wrong_codes_a_day(house: House) -> None:
    lab = Lab(house, house.settings)
    account, somchai = await lab.account(await house.somebody()), await lab.person(SOMCHAI)
    for _ in range(4):
        code = await lab.issue(account, "login", somchai, SOMCHAI.email)
        for n in range(5):
            await lab.guess(account, "login", somchai, SOMCHAI.email, other_than(code, n))
        house.clock.forward(minutes=61)
    chat = await house.somebody()
    await chat.begins(SOMCHAI.national_id)
    chat.sees("error.code_locked")
    house.clock.forward(hours=20, minutes=5)
    later = await house.somebody()
    await later.begins(SOMCHAI.national_id)
    later.sees("ask.code")


async def test_a_hundred_in_a_row_disable(patient: House) -> None:
    lab = Lab(patient, patient.settings)
    account = await lab.account(await patient.somebody())
    for _ in range(20):
        somchai = await lab.person(SOMCHAI)
        code = await lab.issue(account, "login", somchai, SOMCHAI.email)
        for n in range(5):
            await lab.guess(account, "login", await lab.person(SOMCHAI), SOMCHAI.email, other_than(code, n))
        patient.clock.forward(minutes=16)
    patient.clock.forward(days=30)
    chat = await patient.somebody()
    await chat.begins(SOMCHAI.national_id)
    chat.sees("error.code_disabled")
    neighbour = await patient.somebody()
    await neighbour.begins(MALEE.national_id)
    neighbour.sees("ask.code")


async def test_a_right_code_ends_the_row(patient: House) -> None:
    lab = Lab(patient, patient.settings)
    account, somchai = await lab.account(await patient.somebody()), await lab.person(SOMCHAI)
    code = await lab.issue(account, "login", somchai, SOMCHAI.email)
    for n in range(4):
        await lab.guess(account, "login", somchai, SOMCHAI.email, other_than(code, n))
    assert (await lab.person(SOMCHAI)).wrong_codes == 4
    assert await lab.guess(account, "login", somchai, SOMCHAI.email, code) == "right"
    assert (await lab.person(SOMCHAI)).wrong_codes == 0


async def test_the_brake_for_everybody(tmp_path: Path) -> None:
    """One code sprayed over many people: after so many failures nobody gets in for a while, and hears why."""
    async with a_house(tmp_path, wrong_codes_everywhere_per_hour=6) as house:
        for national_id, address in ((SOMCHAI.national_id, SOMCHAI.email), OTHER):
            chat = await house.somebody()
            await chat.begins(national_id)
            code = await house.code_for(address)
            for n in range(3):
                await chat.says(other_than(code, n))
        malee = await house.somebody()
        await malee.begins(MALEE.national_id)
        malee.sees("error.busy")
        house.clock.forward(minutes=61)
        await malee.says(MALEE.national_id)
        malee.sees("ask.code")
