from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.house import House, a_house


@pytest.fixture(params=["web", "line, PostgreSQL"])
def place(request: pytest.FixtureRequest) -> str:
    """The same on both channels and on both databases, which know nothing of each other."""
    return str(request.param)


@pytest.fixture
def channel(place: str) -> str:
    return place.partition(",")[0]


@pytest.fixture
def database(request: pytest.FixtureRequest, place: str) -> dict[str, Any]:
    """The setting; none for a SQLite file in the house's own folder."""
    return {"database_url": request.getfixturevalue("postgres_url")} if "PostgreSQL" in place else {}


@pytest.fixture
async def house(tmp_path: Path, channel: str, database: dict[str, Any]) -> AsyncIterator[House]:
    async with a_house(tmp_path, channel=channel, **database) as house:
        yield house
