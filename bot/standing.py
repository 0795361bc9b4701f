"""How the schedule stands. Each process that runs it says so in its row of `processes`, where `/readyz` and `/metrics`
of any process and `kp7 doctor` read it: a worker opens no port.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from storage import processes
from storage.database import Tx

LATE_SECONDS = 300  # it comes by three times a minute


@dataclass(frozen=True)
class Failing:
    """`since`: milliseconds. `why`: for the operator; nothing that a person wrote."""

    since: int
    why: str


@dataclass(frozen=True)
class Standing:
    """`whole_at`: when it last came through whole, or was started; milliseconds. `failing`: by the chore's name."""

    whole_at: int
    failing: Mapping[str, Failing] = field(default_factory=dict)

    def late(self, now: int) -> float:
        """For how many seconds it has not come through whole."""
        return max(0, now - self.whole_at) / 1000

    def is_well(self, now: int) -> bool:
        return not self.failing and self.late(now) <= LATE_SECONDS

    def dump(self) -> str:
        return json.dumps(asdict(self))


def _load(text: str) -> Standing:
    """What another version adds to it is passed over: two of them run beside each other during an upgrade."""
    found = json.loads(text)
    failing = {name: Failing(one["since"], one["why"]) for name, one in found["failing"].items()}
    return Standing(found["whole_at"], failing)


async def together(tx: Tx) -> Standing | None:
    """Of all processes as one: what fails in any of them, since it first did. None: the schedule runs nowhere."""
    standings = [_load(text) for text in await processes.schedules(tx)]
    if not standings:
        return None
    failing: dict[str, Failing] = {}
    for standing in standings:
        for name, one in standing.failing.items():
            failing[name] = min(failing.get(name, one), one, key=lambda failing: failing.since)
    return Standing(max(standing.whole_at for standing in standings), failing)
