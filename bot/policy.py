"""Rules that the office decides: settings that a row may change, from a day on, while the program runs.

A rule is a field of `Settings`, which gives its type, its bounds and, from the environment or the code, its value for
as long as no row says otherwise. Rows are only ever added. On a day that row is in force which covers it and begins
last; of two that begin on one day, the one that was set later. So a row with a last day is an exception, after which
what was there before applies again.

Each row bears an HMAC over all its fields under a key of the vault: what somebody wrote into the database, or edited
there, counts for nothing. That no row is gone, or was put back, the audit log says (`kp7 audit verify`).

Nobody reads rows for an event: `Policy.settings` is a frozen object, replaced when rows or the day have changed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Annotated, Any, Literal

import orjson
import structlog
from pydantic import TypeAdapter, ValidationError

from bot import times
from bot.faults import said
from bot.settings import Settings
from bot.times import local_date
from storage import audit
from storage.database import Database, Row, Tx
from storage.ids import new_id
from storage.macs import fits, mac
from storage.vault import Vault

log = structlog.get_logger()

PLANNED_YEARS = 20
REGISTRATION = "นร ๑๐๑๓.๓/๒๑๖"

# Name → the letter that states it, if one does. In words: `policy.<name>` of the locales.
RULES: Mapping[str, str] = {
    "self_service_before": REGISTRATION,
    "transfer_overrides_date": "",
    "identity_tries_before_officer": "",
    "identity_tries_per_day": "",
    "officer_checks_per_day": "",
    "help_per_day": "",
    "paper_megabytes": "",
    "files_per_day": "",
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
    "certify_on_phone": "",
    "return_days": "",
    "officer_idle_minutes": "",
    "officer_total_hours": "",
    "factor_guesses": "",
    "prompt_minutes": "",
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
        raise Refused(f"{name}: {said(error.errors()[0])}") from None


def days(first: str, last: str | None, today: date) -> tuple[date, date | None]:
    """From when until when, as an operator typed it. Raises `Refused`."""
    since, until = _day("--from", first, today), _day("--until", last, today) if last else None
    if since < today:
        raise Refused("--from lies in the past: what was in force then cannot be changed any more.")
    return since, until


def _day(option: str, typed: str, today: date) -> date:
    try:
        day = times.day(typed)
    except ValueError as error:
        raise Refused(f"{option}: {error}.") from None
    if day.year > today.year + PLANNED_YEARS:
        raise Refused(f"{option} is more than {PLANNED_YEARS} years away.")
    return day


def in_force(entries: Sequence[Entry], name: str, day: date) -> Entry | None:
    standing = [entry for entry in entries if entry.name == name and entry.covers(day)]
    return max(standing, key=lambda entry: (entry.valid_from, entry.set_at, entry.id), default=None)


PHONE = ("phone_digits_min", "phone_digits_max")


def standing(base: Settings, entries: Sequence[Entry], day: date) -> dict[str, Entry]:
    """Name → the row that counts that day. Two that contradict each other do not: then both are what `base` says."""
    both = not contradict(base, entries, day)
    names = (name for name in RULES if both or name not in PHONE)
    return {name: entry for name in names if (entry := in_force(entries, name, day))}


def contradict(base: Settings, entries: Sequence[Entry], day: date) -> bool:
    """Nobody could type a telephone number."""
    rows = (in_force(entries, name, day) for name in PHONE)
    least, most = (row.value if row else getattr(base, name) for name, row in zip(PHONE, rows, strict=True))
    return bool(least > most)


def effective(base: Settings, entries: Sequence[Entry], day: date) -> Settings:
    return base.model_copy(update={name: entry.value for name, entry in standing(base, entries, day).items()})


def _spoilt(base: Settings, entries: Sequence[Entry], new: Entry) -> date | None:
    """The first day on which rows contradict each other because of the new one."""
    after = {row.valid_until + timedelta(1) for row in entries if row.valid_until and row.valid_until < date.max}
    days = sorted(after | {row.valid_from for row in (*entries, new)})
    return next(
        (day for day in days if contradict(base, [*entries, new], day) and not contradict(base, entries, day)), None
    )


# --- rows -------------------------------------------------------------------------------------------------------------

_COLUMNS = ("id", "name", "value", "valid_from", "valid_until", "set_by", "set_at")
_ROWS = f"SELECT {', '.join(_COLUMNS)}, mac FROM policy ORDER BY set_at, id"  # noqa: S608
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('kp7 policy', 0)) FROM each(:batch)"
Why = Literal["not_ours", "not_understood"]


@dataclass(frozen=True)
class Unusable:
    """A row that counts for nothing. `why`: it has no genuine HMAC; or this version has no such rule or value."""

    id: str
    why: Why


def read(rows: Iterable[Row], vault: Vault) -> tuple[list[Entry], list[Unusable]]:
    key = vault.secret("policy")
    entries, unusable = list[Entry](), list[Unusable]()
    for row in rows:
        if not fits(row["mac"], key, *(row[column] for column in _COLUMNS)):
            unusable.append(Unusable(str(row["id"]), "not_ours"))
        elif entry := _entry(row):
            entries.append(entry)
        else:
            unusable.append(Unusable(row["id"], "not_understood"))
    return entries, unusable


def _entry(row: Row) -> Entry | None:
    if row["name"] not in RULES:
        return None
    try:
        value = _adapter(row["name"]).validate_json(row["value"], strict=True)
    except ValidationError:
        return None
    last = date.fromisoformat(row["valid_until"]) if row["valid_until"] else None
    return Entry(
        row["id"], row["name"], value, date.fromisoformat(row["valid_from"]), last, row["set_by"], row["set_at"]
    )


async def read_all(tx: Tx, vault: Vault) -> tuple[list[Entry], list[Unusable]]:
    """The oldest first."""
    return read(await tx.all(_ROWS), vault)


def _used(rows: Iterable[Row], vault: Vault) -> list[Entry]:
    """The others are logged."""
    entries, unusable = read(rows, vault)
    for row in unusable:
        log.error("policy_unusable", row=row.id, why=row.why)
    return entries


async def today(tx: Tx, vault: Vault, base: Settings, now: int) -> Settings:
    """For whoever looks once. What runs on reads `Policy.settings`."""
    return effective(base, _used(await tx.all(_ROWS), vault), local_date(now, base.timezone))


async def set_rule(tx: Tx, vault: Vault, base: Settings, entry: Entry) -> None:
    """Add a row, and write down who did. Raises `Refused`."""
    await tx.among(_ONE_AT_A_TIME, [{}])  # before anything is read: of two that contradict each other one is refused
    if entry.valid_until and entry.valid_until < entry.valid_from:
        raise Refused("The last day lies before the first.")
    if day := _spoilt(base, (await read_all(tx, vault))[0], entry):
        raise Refused(f"phone_digits_min would be more than phone_digits_max on {day}: nobody could type a number.")
    value = _adapter(entry.name).dump_json(entry.value).decode()
    first, last = entry.valid_from.isoformat(), entry.valid_until.isoformat() if entry.valid_until else None
    fields = (entry.id, entry.name, value, first, last, entry.set_by, entry.set_at)
    await tx.run(
        "INSERT INTO policy (id, name, value, valid_from, valid_until, set_by, set_at, mac) "
        "VALUES (:id, :name, :value, :valid_from, :valid_until, :set_by, :set_at, :mac)",
        {**dict(zip(_COLUMNS, fields, strict=True)), "mac": mac(vault.secret("policy"), *fields)},
    )
    detail = {"id": entry.id, "rule": entry.name, "value": orjson.loads(value), "from": first, "until": last}
    await audit.append(tx, vault, entry.set_at, [audit.Line(entry.set_by, "policy.set", None, detail)])


def new_entry(name: str, value: Any, since: date, until: date | None, by: str, now: int) -> Entry:
    return Entry(new_id(), name, value, since, until, by, now)


# --- as the program reads it ------------------------------------------------------------------------------------------


class Policy:
    """`settings`: as they are today. Read it each time; never keep it."""

    def __init__(self, base: Settings, clock: Callable[[], int]) -> None:
        self._base, self._clock = base, clock
        self._rows: Sequence[Row] = ()
        self._entries: Sequence[Entry] = ()
        self._day: date | None = None
        self.settings = base

    async def refresh(self, database: Database, vault: Vault) -> None:
        """The rows are few: reading them all is what sees every change, and only a change is looked into."""
        async with database.read() as tx:
            rows = await tx.all(_ROWS)
        if changed := rows != self._rows:
            self._rows, self._entries = rows, _used(rows, vault)
        day = local_date(self._clock(), self._base.timezone)
        if changed or day != self._day:
            self.settings, self._day = effective(self._base, self._entries, day), day
