"""Papers go to HR and come back: staff, officer and owner, on the web and on LINE, in Thai and English."""

import pytest

from tests.house import House
from tests.journeys.reviewing import comes_to_the_desk, reviewed


@pytest.mark.parametrize("language", ["th", "en"])
async def test_from_staff_to_officer_to_owner(house: House, language: str) -> None:
    await reviewed(house, await house.somebody(language))


async def test_the_way_to_the_desk(house: House) -> None:
    await comes_to_the_desk(house, await house.somebody())
