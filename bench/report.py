"""What was measured, as a table and as JSON; and whether the floors hold."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median

from bench.process import SUBJECTS

P99_MS = 15.0


@dataclass(frozen=True)
class Goal:
    """`of`: KP7's median rate, divided by this subject's."""

    of: str
    floor: float
    aim: float
    slow: bool = False


GOALS = (
    Goal("a", 0.25, 0.35),
    Goal("b", 3.5, 5.0),
    Goal("c", 5.0, 7.0),
    Goal("b", 5.0, 5.0, slow=True),
    Goal("b0", 5.0, 5.0, slow=True),
)


@dataclass(frozen=True)
class Figure:
    """One closed loop. CPU in µs an event; shares are of one core."""

    rate: float
    cpu: float
    share: float
    load_cpu: float
    load_share: float
    reply_bytes: float
    pushes: int


@dataclass(frozen=True)
class Open:
    """The open loop and the disk under it. Milliseconds."""

    events: int
    reply_p50: float
    reply_p99: float
    accepted_p50: float
    accepted_p99: float
    fsync_p50: float
    fsync_p99: float

    @property
    def limit(self) -> float:
        return max(P99_MS, 3 * self.fsync_p99)


@dataclass
class Report:
    """`closed` and `slow` (API delayed): by subject, a figure a round."""

    closed: dict[str, list[Figure]] = field(default_factory=dict)
    slow: dict[str, list[Figure]] = field(default_factory=dict)
    open: Open | None = None

    def rate(self, name: str, *, slow: bool) -> float:
        figures = (self.slow if slow else self.closed).get(name)
        return median(figure.rate for figure in figures) if figures else 0.0

    def verdicts(self) -> list[tuple[str, str, bool]]:
        """What was asked, what came out, does it hold; for what was measured."""
        found: list[tuple[str, str, bool]] = []
        for goal in GOALS:
            mine, theirs = self.rate("kp7", slow=goal.slow), self.rate(goal.of, slow=goal.slow)
            if not (mine and theirs):
                continue
            ratio = mine / theirs
            asked = f"KP7 : ({goal.of}){' with a slow API' if goal.slow else ''}"
            word = "aim reached" if ratio >= goal.aim else "floor holds" if ratio >= goal.floor else "BELOW THE FLOOR"
            limits = f"floor {_ratio(goal.floor)}, aim {_ratio(goal.aim)}"
            found.append((asked, f"{_ratio(ratio):>6}  ({limits})  {word}", ratio >= goal.floor))
        if self.open:
            holds = self.open.reply_p99 < self.open.limit
            word = "holds" if holds else "ABOVE THE LIMIT"
            shown = f"{self.open.reply_p99:.1f} ms  (limit {self.open.limit:.1f} ms)  {word}"
            found.append(("p99, webhook to reply, 200 events/s", shown, holds))
        return found

    def as_json(self) -> dict[str, object]:
        return {
            "closed": {name: [asdict(figure) for figure in figures] for name, figures in self.closed.items()},
            "slow_api": {name: [asdict(figure) for figure in figures] for name, figures in self.slow.items()},
            "open": asdict(self.open) if self.open else None,
            "verdicts": [{"what": what, "result": result, "holds": holds} for what, result, holds in self.verdicts()],
        }

    def table(self) -> str:
        lines = _figures("Closed loop", self.closed) + _figures("Closed loop, slow API", self.slow)
        if self.open:
            o = self.open
            lines += [
                f"Open loop, {o.events} events, ms:    p50    p99",
                f"  webhook to reply          {o.reply_p50:7.2f} {o.reply_p99:7.2f}",
                f"  webhook to its 200        {o.accepted_p50:7.2f} {o.accepted_p99:7.2f}",
                f"  fsync of 4 KiB            {o.fsync_p50:7.2f} {o.fsync_p99:7.2f}",
                "",
            ]
        lines += [f"{what:<36}{result}" for what, result, _ in self.verdicts()]
        return "\n".join(lines)


def _ratio(value: float) -> str:
    return f"{value:.0%}" if value < 1 else f"{value:.1f}×"


def _figures(title: str, by_subject: dict[str, list[Figure]]) -> list[str]:
    if not by_subject:
        return []
    head = f"{'events/s':>9} {'CPU µs':>7} {'core':>5} {'load':>5} {'load could':>11} {'reply B':>8}   rounds"
    lines = [f"{title:<36}{head}"]
    measured = [(subject.title, by_subject.get(subject.name)) for subject in SUBJECTS]
    lines += [f"{title:<36}{_row(figures)}" for title, figures in measured if figures]
    return [*lines, ""]


def _row(figures: Sequence[Figure]) -> str:
    def mid(name: str) -> float:
        return float(median(getattr(figure, name) for figure in figures))

    rounds = " ".join(f"{figure.rate:.0f}" for figure in figures)
    pushes = sum(figure.pushes for figure in figures)
    return (
        f"{mid('rate'):9.0f} {mid('cpu'):7.0f} {mid('share'):5.0%} {mid('load_share'):5.0%} "
        f"{1e6 / mid('load_cpu'):11.0f} {mid('reply_bytes'):8.0f}   {rounds}{f'  ({pushes} pushed)' if pushes else ''}"
    )
