"""The link lives half an hour, and no longer than the session in which it was made."""

import pytest

from tests.cast import SOMCHAI
from tests.house import Chat, House
from tests.security.certify.tools import is_refused_everywhere
from tests.signing import Phone, link


@pytest.mark.parametrize("opened", [False, True])
async def test_logging_out_ends_it(house: House, somchai: Chat, phone: Phone, opened: bool) -> None:
    path = await link(house, SOMCHAI)
    if opened:
        await phone.opens(path)
    await somchai.says("ออกจากระบบ")
    await is_refused_everywhere(phone, path)
    await somchai.logs_in(SOMCHAI.national_id, SOMCHAI.email)  # which is another session
    await is_refused_everywhere(phone, path)


async def test_it_ends_with_a_shared_phones_quarter_of_an_hour(house: House, somchai: Chat, phone: Phone) -> None:
    await somchai.says("เครื่องที่ใช้ร่วมกัน")
    await somchai.presses("ใช้ร่วมกับผู้อื่น")
    path = await link(house, SOMCHAI)
    await phone.opens(path)
    house.clock.forward(minutes=14)
    assert (await phone.page(path, 1)).status_code == 200
    house.clock.forward(minutes=2)
    await is_refused_everywhere(phone, path)


@pytest.mark.parametrize(("minutes", "lives"), [(29, True), (31, False), (-1, False)])
async def test_it_lives_half_an_hour_by_any_clock(
    house: House, somchai: Chat, phone: Phone, minutes: int, lives: bool
) -> None:
    path = await link(house, SOMCHAI)
    await phone.opens(path)
    house.clock.forward(minutes=minutes)
    if lives:
        assert (await phone.page(path, 1)).status_code == 200
    else:
        await is_refused_everywhere(phone, path)
