from collections.abc import AsyncIterator

import pytest

from tests.cast import SOMCHAI
from tests.house import Chat, House
from tests.signing import Phone, hand_in


@pytest.fixture
async def somchai(house: House) -> Chat:
    """Logged in, with a paper that waits to be signed."""
    chat = await house.somebody()
    await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await hand_in(house, SOMCHAI)
    return chat


@pytest.fixture
async def phone(house: House) -> AsyncIterator[Phone]:
    async with Phone(house) as phone:
        yield phone


@pytest.fixture
async def stranger(house: House) -> AsyncIterator[Phone]:
    async with Phone(house) as phone:
        yield phone
