from pathlib import Path

import pytest

from tests.backup.office import SETTINGS, Office, an_office


@pytest.fixture
async def office(tmp_path: Path) -> Office:
    return await an_office(tmp_path / "office", SETTINGS.master)
