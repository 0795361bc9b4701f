import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.house import House, a_house

# The same examples in every run, so that a red test is somebody's change; HYPOTHESIS_PROFILE=search looks for new ones.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None, max_examples=1_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A KP7 with the sample roster, running on loopback."""
    async with a_house(tmp_path) as house:
        yield house
