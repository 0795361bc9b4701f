"""A code is good for one thing only (OTP7)."""

import itertools
import secrets

from tests.cast import MALEE, SOMCHAI
from tests.house import House
from tests.security.tools import Lab


async def test_a_code_is_good_for_its_purpose_chat_person_and_address_only(patient: House) -> None:
    """Each of 16 codes at each of 16 places: only at its own it opens."""
    lab = Lab(patient, patient.settings)
    chats = [await lab.account(await patient.somebody()) for _ in range(2)]
    both = [await lab.person(SOMCHAI), await lab.person(MALEE)]
    places = list(itertools.product(chats, ("login", "register"), both, (SOMCHAI.email, "other@example.com")))
    accepted = 0
    for made_for in places:
        patient.clock.forward(minutes=2)
        code = await lab.issue(*made_for)
        for place in places:
            answer = await lab.guess(*place, code, undo=True)
            assert answer == ("right" if place == made_for else "code_expired" if answer != "code_wrong" else answer)
            accepted += answer == "right"
    assert accepted == len(places)


async def test_a_login_code_changes_no_address(house: House) -> None:
    """Through the chat: the code that let Somchai in is typed again where the new address asks for its own."""
    chat = await house.somebody()
    await chat.begins(SOMCHAI.national_id)
    code = await house.code_for(SOMCHAI.email)
    await chat.says(code)
    await chat.taps("choice.civil_servant")
    house.clock.forward(minutes=4)
    await chat.taps("menu.change_email")
    await chat.says("new@example.com")
    await chat.says("new@example.com")
    await chat.taps("choice.save")
    new = await house.code_for("new@example.com")
    if new != code:
        await chat.says(code)
        chat.sees("error.code_wrong")
    assert secrets.compare_digest(new, await house.code_for("new@example.com"))
