from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.house import House, a_house


@pytest.fixture(params=["web", "line"])
def channel(request: pytest.FixtureRequest) -> str:
    """Every journey is the same on all of them."""
    return str(request.param)


@pytest.fixture
async def house(tmp_path: Path, channel: str) -> AsyncIterator[House]:
    async with a_house(tmp_path, channel=channel) as house:
        yield house
