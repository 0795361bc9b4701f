"""Rules that the office decides: settings that a row may change, from a day on, while the program runs.

A rule is a field of `Settings`, which gives its type, its bounds and, from the environment or the code, its value for
as long as no row says otherwise. Rows are only ever added. On a day that row is in force which covers it and begins
last; of two that begin on one day, the one that was set later. So a row with a last day is an exception, after which
what was there before applies again.

Nobody reads rows for an event: `Policy.settings` is a frozen object, replaced when rows or the day have changed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Annotated, Any

import orjson
import structlog
from pydantic import TypeAdapter, ValidationError

from bot.settings import Settings
from bot.times import local_date
from storage import audit
from storage.database import Database, Row, Tx
from storage.ids import new_id
from storage.vault import Vault

log = structlog.get_logger()

REGISTRATION = "นร ๑๐๑๓.๓/๒๑๖"

# Name → the letter that states it, if one does. In words: `policy.<name>` of the locales.
RULES: Mapping[str, str] = {
    "self_service_before": REGISTRATION,
    "transfer_overrides_date": "",
    "identity_tries_before_officer": "",
    "identity_tries_per_day": "",
    "officer_checks_per_day": "",
    "lookups_per_hour": "",
    "lookups_everywhere_per_hour": "",
    "code_digits": "",
    "code_minutes": "",
    "code_guesses": "",
    "code_lock_minutes": "",
    "code_resend_seconds": "",
    "codes_per_hour": "",
    "codes_per_day": "",
    "wrong_codes_per_hour": "",
    "wrong_codes_per_day": "",
    "wrong_codes_in_a_row": "",
    "wrong_codes_everywhere_per_hour": "",
    "step_up_minutes": "",
    "web_idle_minutes": "",
    "web_total_hours": "",
    "chat_idle_hours": "",
    "chat_total_days": "",
    "shared_idle_minutes": "",
    "pause_hours": "",
    "phone_digits_min": "",
    "phone_digits_max": "",
    "quiet_until_hour": "",
    "conversation_days": "",
    "chat_history_hours": "",
    "officer_check_days": "",
    "inbox_days": "",
    "dead_letter_days": "",
}


class Refused(Exception):
    """A sentence for the operator."""


@dataclass(frozen=True)
class Entry:
    """One row. `value`: as `Settings` has it. Days are inclusive; `valid_until` None: without end."""

    id: str
    name: str
    value: Any
    valid_from: date
    valid_until: date | None
    set_by: str
    set_at: int

    def covers(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


# --- pure -------------------------------------------------------------------------------------------------------------


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    field = Settings.model_fields[name]
    kind: Any = field.annotation
    return TypeAdapter(Annotated[kind, *field.metadata] if field.metadata else kind)


def parse(name: str, value: str) -> Any:
    """What an operator typed. Raises `Refused`."""
    if name not in RULES:
        raise Refused(f"There is no rule {name!r}. `kp7 policy list` shows them all.")
    try:
        return _adapter(name).validate_python(value)
    except ValidationError as error:
        raise Refused(f"{name}: {error.errors()[0]['msg']}.") from None


def in_force(entries: Sequence[Entry], name: str, day: date) -> Entry | None:
    standing = [entry for entry in entries if entry.name == name and entry.covers(day)]
    return max(standing, key=lambda entry: (entry.valid_from, entry.set_at, entry.id), default=None)


def effective(base: Settings, entries: Sequence[Entry], day: date) -> Settings:
    standing = (in_force(entries, name, day) for name in RULES)
    return base.model_copy(update={entry.name: entry.value for entry in standing if entry})


# --- rows -------------------------------------------------------------------------------------------------------------


async def load(tx: Tx) -> list[Entry]:
    """All rows, oldest first, but for those that this version cannot use: they are logged, and count for nothing."""
    return [entry for row in await tx.all("SELECT * FROM policy ORDER BY set_at, id") if (entry := _entry(row))]


def _entry(row: Row) -> Entry | None:
    try:
        if row["name"] not in RULES:
            raise ValueError(row["name"])
        value = _adapter(row["name"]).validate_json(row["value"], strict=True)
        first = date.fromisoformat(row["valid_from"])
        last = date.fromisoformat(row["valid_until"]) if row["valid_until"] else None
        if not isinstance(row["set_at"], int):  # SQLite lets whoever edits the file put anything anywhere
            raise TypeError("set_at")
    except (ValueError, TypeError):
        log.error("policy_unusable", row=row["id"])
        return None
    return Entry(row["id"], row["name"], value, first, last, row["set_by"], row["set_at"])


async def set_rule(tx: Tx, vault: Vault, base: Settings, entry: Entry) -> None:
    """Add a row, and write down who did. Raises `Refused`."""
    day = entry.valid_from
    if entry.valid_until and entry.valid_until < day:
        raise Refused("The last day lies before the first.")
    then = effective(base, [*await load(tx), entry], day)
    if then.phone_digits_min > then.phone_digits_max:
        raise Refused("phone_digits_min would be more than phone_digits_max: nobody could type a number.")
    value = _adapter(entry.name).dump_json(entry.value).decode()
    last = entry.valid_until.isoformat() if entry.valid_until else None
    await tx.run(
        "INSERT INTO policy (id, name, value, valid_from, valid_until, set_by, set_at) "
        "VALUES (:id, :name, :value, :valid_from, :valid_until, :by, :at)",
        {
            "id": entry.id,
            "name": entry.name,
            "value": value,
            "valid_from": day.isoformat(),
            "valid_until": last,
            "by": entry.set_by,
            "at": entry.set_at,
        },
    )
    detail = {"rule": entry.name, "value": orjson.loads(value), "from": day.isoformat(), "until": last}
    await audit.append(tx, vault, entry.set_at, [audit.Line(entry.set_by, "policy.set", None, detail)])


def new_entry(name: str, value: Any, since: date, until: date | None, by: str, now: int) -> Entry:
    return Entry(new_id(), name, value, since, until, by, now)


# --- as the program reads it ------------------------------------------------------------------------------------------


class Policy:
    """`settings`: as they are today. Read it each time; never keep it."""

    def __init__(self, base: Settings, clock: Callable[[], int]) -> None:
        self._base, self._clock = base, clock
        self._rows = 0
        self._entries: Sequence[Entry] = ()
        self._day: date | None = None
        self.settings = base

    async def refresh(self, database: Database) -> None:
        """Cheap while nothing has changed. Rows are only added, so their number says whether there are new ones."""
        async with database.read() as tx:
            row = await tx.one("SELECT COUNT(*) AS n FROM policy")
            assert row
            entries = await load(tx) if row["n"] != self._rows else self._entries
        today = local_date(self._clock(), self._base.timezone)
        if entries is not self._entries or today != self._day:
            self.settings = effective(self._base, entries, today)
            self._rows, self._entries, self._day = row["n"], entries, today
