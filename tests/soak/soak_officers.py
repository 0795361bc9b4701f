"""Killed again and again while officers decide, in chats and at the desk, on both databases.

What must be true afterwards stands in `tests/kill/officers.py`.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.kill import officers
from tests.kill.driver import a_ward, seed_of
from tests.kill.server import REVIEW
from tests.kill.test_officers import QUICK, TELLING


@pytest.mark.timeout(600)
async def test_twenty_deaths(tmp_path: Path, database_url: str) -> None:
    given: dict[str, Any] = {"database_url": database_url, "web_chat": True}
    async with a_ward(tmp_path, seed_of(70), toy=False, constants=QUICK, token_seconds=0, **given) as ward:
        office = await officers.moved_in(ward, 40, officers=4)
        await office.lives_through(ward.kills(20, alive=0.6, points=(*REVIEW, *TELLING)))
        print(len(ward.rows("SELECT 1 FROM verdicts")), "verdicts;", ward.record)
    assert ward.record.named >= 8, f"the named points are not where they were: {ward.record.deaths}"
    assert ward.record.duplicates == 0
