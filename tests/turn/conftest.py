"""A rig on each database."""

from collections.abc import AsyncIterator

import pytest

from tests.turn.rig import BANGS, Rig


@pytest.fixture
async def rig(database_url: str) -> AsyncIterator[Rig]:
    BANGS.clear()
    rig = await Rig(database_url).open()
    yield rig
    await rig.close()
