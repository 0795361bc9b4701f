"""What is gathered into one batch: no more than fits, one event an account, each account's events in order."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Sequence

from bot.batch import MOST, Batcher, Work
from bot.events import Text
from bot.topic import Incoming


class Desk:
    """A batcher whose commits are written down. `put_off`: event ids that its first commit does not do."""

    def __init__(self) -> None:
        self.batches: list[list[Incoming]] = []
        self.put_off: set[str] = set()
        self.batcher = Batcher(self._commit)

    async def _commit(self, batch: Sequence[Work]) -> Sequence[Work]:
        deferred = [work for work in batch if work.incoming.event_id in self.put_off]
        self.put_off -= {work.incoming.event_id for work in deferred}
        taken = [work for work in batch if work not in deferred]
        self.batches.append([work.incoming for work in taken])
        for work in taken:
            work.settle("done")
        return deferred

    async def takes(self, events: Sequence[Incoming]) -> None:
        """All of them wait before the first batch is gathered."""
        tasks = [asyncio.create_task(self.batcher.take(event)) for event in events]
        await asyncio.sleep(0)
        self.batcher.start()
        async with asyncio.timeout(30):
            assert set(await asyncio.gather(*tasks)) == {"done"}
            await self.batcher.stop()

    def order(self) -> dict[str, list[str]]:
        """The events of each account as they were committed."""
        found: dict[str, list[str]] = defaultdict(list)
        for event in itertools.chain(*self.batches):
            found[event.external_id].append(event.event_id)
        return found


def said(who: str, n: int) -> Incoming:
    return Incoming("toy", who, f"{who}.{n}", Text("hello"))


async def test_beyond_what_fits_each_accounts_events_keep_their_order() -> None:
    desk = Desk()
    talkers = [said(f"talker {k}", n) for k in range(MOST // 2) for n in range(3)]
    others = [said(f"other {k}", 0) for k in range(MOST)]
    late = [said(f"late {k}", n) for n in range(3) for k in range(20)]  # not one of theirs fits into the first batch
    await desk.takes([*talkers, *others, *late])
    assert len(desk.batches[0]) == MOST, "not all that fits was taken at once"
    for batch in desk.batches:
        assert len(batch) <= MOST
        accounts = [event.external_id for event in batch]
        assert len(set(accounts)) == len(accounts), "two events of one account in one batch"
    order = desk.order()
    assert len(order) == MOST // 2 + MOST + 20
    for who, events in order.items():
        assert events == [f"{who}.{n}" for n in range(len(events))]
    assert all(len(order[f"late {k}"]) == 3 for k in range(20))
    assert "late 0" not in {event.external_id for event in desk.batches[0]}, "too few to prove anything"


async def test_an_event_that_was_put_off_goes_before_later_ones_of_its_account() -> None:
    desk = Desk()
    desk.put_off = {"somchai.0", "malee.1"}
    await desk.takes([said(who, n) for n in range(4) for who in ("somchai", "malee")])
    for who in ("somchai", "malee"):
        assert desk.order()[who] == [f"{who}.{n}" for n in range(4)]


async def test_a_request_that_has_gone_away_harms_no_neighbour() -> None:
    desk = Desk()
    gone = asyncio.create_task(desk.batcher.take(said("somchai", 0)))
    await asyncio.sleep(0)
    gone.cancel()
    await desk.takes([said("malee", 0), said("somchai", 1)])
    assert desk.order() == {"somchai": ["somchai.0", "somchai.1"], "malee": ["malee.0"]}
