"""Papers go to HR and come back: staff, officer and owner, on the web and on LINE, in Thai and English."""

import pytest

from tests.cast import MALEE, PRIYA
from tests.desks import decided_by, waits
from tests.house import House
from tests.journeys.reviewing import comes_to_the_desk, in_office_hours, proves, reviewed
from tests.officers import officer


@pytest.mark.parametrize("language", ["th", "en"])
async def test_from_staff_to_officer_to_owner(house: House, language: str) -> None:
    await reviewed(house, await house.somebody(language))


async def test_the_way_to_the_desk(house: House) -> None:
    await comes_to_the_desk(house, await house.somebody())


async def test_what_a_colleague_decides_meanwhile_is_not_asked_any_more(house: House) -> None:
    """Whoever comes back to the queue hears who was faster, and sees the next one; so after a card about the same."""
    in_office_hours(house)
    malee = await house.somebody()
    totp = await officer(house, MALEE.national_id)
    await officer(house, PRIYA.national_id)
    await malee.logs_in(MALEE.national_id, MALEE.email)
    papers = []
    for slot in ("id_card", "house", "entry.transcript", "father"):
        papers.append(await waits(house, slot=slot))
        house.clock.forward(seconds=1)
    await malee.taps("menu.review")
    await proves(malee, totp)
    assert "4" in malee.sees("ask.review", "review.left").text
    before = malee.screen.text
    await malee.says("งานรอตรวจ")
    assert before.strip() in malee.screen.text  # as it was
    await decided_by(house, PRIYA, papers[0])
    await malee.says("งานรอตรวจ")
    assert "ปรียา" in malee.sees("error.item_approved", "ask.review").text
    assert house.kp7.texts(malee.language, "paper.house") in malee.screen.text
    await decided_by(house, PRIYA, papers[1], "return", reason="blurred")
    await malee.says("profile")
    await malee.taps("choice.close")
    malee.sees("error.item_returned", "ask.review")
    await decided_by(house, PRIYA, papers[2])
    await malee.taps("choice.decide_approve")
    malee.sees("error.item_approved", "ask.review")
    await decided_by(house, PRIYA, papers[3])
    await malee.says("profile")
    await malee.says("ยกเลิก")
    malee.sees("error.item_approved", "review.end")
