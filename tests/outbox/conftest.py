"""An outbox on each database."""

from collections.abc import AsyncIterator

import pytest

from storage.database import Database
from tests.outbox.post import Post


@pytest.fixture
async def post(database_url: str) -> AsyncIterator[Post]:
    database = await Database.open(database_url)
    await database.migrate()
    post = Post(database)
    await post.make_key()
    yield post
    await post.outbox.stop()
    await database.close()
