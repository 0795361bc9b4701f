"""Killed while several officers decide, in chats and at the desk: each paper is judged once, each owner told once.

`make soak` has more of it: `tests/soak/soak_officers.py`.
"""

from pathlib import Path
from typing import Any

from tests.kill import officers
from tests.kill.driver import a_ward, seed_of
from tests.kill.server import REVIEW

QUICK = {"GRACE": 500, "POLL_SECONDS": 0.1}
TELLING = ("line: before send", "line: after send", "claim: after commit")


async def test_killed_while_officers_decide(tmp_path: Path, database_url: str) -> None:
    """Everything is pushed, so that nothing may come twice."""
    with_web: dict[str, Any] = {"database_url": database_url, "web_chat": True}
    async with a_ward(tmp_path, seed_of(31), toy=False, constants=QUICK, token_seconds=0, **with_web) as ward:
        office = await officers.moved_in(ward, 14)
        await office.lives_through(ward.kills(4, alive=0.4, points=(*REVIEW, *TELLING)))
        print(len(ward.rows("SELECT 1 FROM verdicts")), "verdicts;", ward.record)
    assert ward.record.named, f"the named points are not where they were: {ward.record.deaths}"
    assert ward.record.duplicates == 0
