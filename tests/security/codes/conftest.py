from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.house import House, a_house


@pytest.fixture
async def patient(tmp_path: Path) -> AsyncIterator[House]:
    """A house whose limits over hours are out of the way of what is tested."""
    generous: dict[str, Any] = dict.fromkeys(
        ("codes_per_hour", "codes_per_day", "wrong_codes_per_hour", "wrong_codes_per_day", "lookups_per_hour"), 10**6
    )
    async with a_house(tmp_path, unbounded=generous) as house:
        yield house
