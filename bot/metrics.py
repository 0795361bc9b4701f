"""What is counted, for Prometheus. Cheap enough for the message path: a child is bound once, then it is one addition.

No label holds anything that came from outside or belongs to a person: channels, kinds, outcomes and reasons are words
of ours. Everything counts from the start of the process.
"""

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from bot.logs import seldom

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

_EVENTS = Counter("kp7_events", "Events that came in.", ("channel", "outcome"), registry=REGISTRY)
_REFUSED = Counter("kp7_refused", "Requests refused before any event.", ("channel", "reason"), registry=REGISTRY)
_DELIVERIES = Counter("kp7_deliveries", "Outbox rows carried.", ("kind", "outcome"), registry=REGISTRY)
_FILES = Counter("kp7_files", "Files that people handed in, by what became of them.", ("outcome",), registry=REGISTRY)
_BYTES = Counter("kp7_file_bytes", "Bytes of files that were looked at, as they came.", registry=REGISTRY)
_SIZE = Histogram(
    "kp7_batch_events", "Events in a batch.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256), registry=REGISTRY
)
_SECONDS = Histogram(
    "kp7_batch_seconds",
    "From a batch's beginning to its commit.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
    registry=REGISTRY,
)
_ROWS = Gauge("kp7_outbox_rows", "Rows in the outbox.", ("state",), registry=REGISTRY)
_OLDEST = Gauge("kp7_outbox_oldest_due_seconds", "For how long the oldest row has been due.", registry=REGISTRY)
_CHORES = Gauge("kp7_schedule_failing_chores", "Chores of the schedule that fail, in any process.", registry=REGISTRY)
_WHOLE = Gauge(
    "kp7_schedule_seconds", "Since the schedule last came through whole; infinite: it runs nowhere.", registry=REGISTRY
)
_CONNECTIONS = Gauge("kp7_connections", "Open connections.", registry=REGISTRY)

_event = cache(_EVENTS.labels)
_refusal = cache(_REFUSED.labels)
_delivery = cache(_DELIVERIES.labels)
_file = cache(_FILES.labels)
_waiting, _dead = _ROWS.labels("waiting"), _ROWS.labels("dead")


def event(channel: str, outcome: str) -> None:
    """`done`, `duplicate`, `dead`, or `unavailable` (refused, will come again)."""
    _event(channel, outcome).inc()


def batch(size: int, seconds: float) -> None:
    _SIZE.observe(size)
    _SECONDS.observe(seconds)


def delivery(kind: str, outcome: str) -> None:
    """`delivered`, `postponed` or `dead`."""
    _delivery(kind, outcome).inc()


def file(outcome: str) -> None:
    """`taken`, or why it was not: `too_big`, `locked`, …"""
    _file(outcome).inc()


def file_bytes(size: int) -> None:
    _BYTES.inc(size)


def refused(channel: str, reason: str) -> None:
    """Counted always; logged as `bot.logs.seldom` allows, because whoever attacks chooses how often this happens."""
    _refusal(channel, reason).inc()
    seldom("refused", channel, reason)


def connections(open_now: int) -> None:
    _CONNECTIONS.set(open_now)


def outbox(waiting: float, dead: float, overdue_seconds: float) -> None:
    _waiting.set(waiting)
    _dead.set(dead)
    _OLDEST.set(overdue_seconds)


def schedule(failing: float, seconds: float) -> None:
    _CHORES.set(failing)
    _WHOLE.set(seconds)


def exposition() -> bytes:
    return generate_latest(REGISTRY)
