from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.house import House, a_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A KP7 with the sample roster, running on loopback."""
    async with a_house(tmp_path) as house:
        yield house
