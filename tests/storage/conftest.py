from collections.abc import AsyncIterator

import pytest

from storage.database import Database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Up to date and empty."""
    database = await Database.open(database_url)
    await database.migrate()
    yield database
    await database.close()
