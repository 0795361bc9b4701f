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
def postgres_server() -> Iterator[str]:
    """One for each test process: the address of a database from which others can be made."""
    with databases.a_server() as url:
        yield url


@pytest.fixture(scope="session")
def _up_to_date(postgres_server: str) -> Iterator[str]:
    """A database to copy."""
    with databases.a_database(postgres_server) as url:
        yield databases.migrated(url)


@pytest.fixture(scope="session")
def _schemas(postgres_server: str) -> Iterator[str]:
    with databases.a_database(postgres_server) as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str, _up_to_date: str) -> Iterator[str]:
    """A database that is up to date and empty: to migrate one takes longer than most tests."""
    with databases.a_database(postgres_server, _up_to_date) as url:
        yield url


@pytest.fixture
def new_postgres_url(_schemas: str) -> str:
    """In which nothing was done yet; a schema of a database in which others are beside it."""
    return databases.a_schema(_schemas)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same on both; up to date and empty on PostgreSQL, and not there yet as a file."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'kp7.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same on both, and in which nothing was done yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'kp7.db'}"
    return str(request.getfixturevalue("new_postgres_url"))


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
