import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from storage.bucket import Bucket
from tests import databases, s3
from tests.house import House, a_house

# The same examples in every run, so that a red test is somebody's change; HYPOTHESIS_PROFILE=search looks for new ones.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None, max_examples=1_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


@pytest.fixture(scope="session")
def _postgres() -> Iterator[str]:
    """One database for each test process."""
    if not databases.answers():
        pytest.skip(f"no PostgreSQL answers at {databases.SERVER}: name one in TEST_POSTGRES_URL")
    with databases.a_database() as url:
        yield url


@pytest.fixture
def postgres_url(_postgres: str) -> str:
    """An empty schema."""
    return databases.a_schema(_postgres)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same on both."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'kp7.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(scope="session")
def _s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3.running(tmp_path_factory.mktemp("s3")) as url:
        yield url


@pytest.fixture
async def bucket(_s3: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Of a real S3, with the usual variables in the environment."""
    for name, value in s3.variables(_s3).items():
        monkeypatch.setenv(name, value)
    return await s3.answering()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A KP7 with the sample roster, running on loopback."""
    async with a_house(tmp_path) as house:
        yield house
