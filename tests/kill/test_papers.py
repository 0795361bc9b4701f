"""Killed while papers are fetched, looked at, bound, stamped and handed in: nothing is lost, mixed up, or left over.

`make soak` has more of it: `tests/soak/soak_clerks.py`.
"""

from pathlib import Path

from tests.kill import clerks
from tests.kill.driver import a_ward, seed_of

QUICK = {"GRACE": 500, "POLL_SECONDS": 0.1}
HURTING = ("announce: after commit", "put: after", "row: after commit", "tell: after", "certify: after commit")


async def test_killed_while_papers_are_handed_in(tmp_path: Path) -> None:
    async with a_ward(tmp_path, seed_of(21), toy=False, constants=QUICK) as ward:
        everybody = await clerks.moved_in(ward, 3)
        await clerks.live_through(ward, everybody, ward.kills(6, alive=0.4, points=HURTING))
    print(ward.record)
    assert ward.record.named >= 2, f"the named points are not where they were: {ward.record.deaths}"
    assert ward.record.duplicates == 0
