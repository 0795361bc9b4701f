"""Environment to frozen `Settings`, read once. Every field stands in `.env.example` with a line of explanation."""

import base64
import binascii
from datetime import date
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import BeforeValidator, Field, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot import times

_timezones = cache(available_timezones)  # which goes through hundreds of files
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2200, 12, 31)
Count = Annotated[int, Field(ge=1, le=1_000_000)]  # a limit of none would be no limit; in ms, more overflows
Keeping = Annotated[int, Field(ge=1, le=89)]  # days; who was erased is gone everywhere before 90 (DP4)


def _between(least: int, most: int) -> Any:
    """What must hold whatever the office decides: docs/security.md."""
    return Field(ge=least, le=most)


def _as_a_day(value: Any) -> date:
    """Pydantic would take seconds since 1970, too."""
    try:
        day = value if isinstance(value, date) else times.day(str(value))
        if not FIRST_DAY <= day <= LAST_DAY:
            raise ValueError(f"is not between {FIRST_DAY} and {LAST_DAY}")
    except ValueError as error:
        raise PydanticCustomError("day", "{why}", {"why": str(error)}) from None
    return day


Day = Annotated[date, BeforeValidator(_as_a_day)]


class Settings(BaseSettings):
    """Durations carry their unit in their name."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8-sig", extra="ignore", frozen=True, env_ignore_empty=True
    )

    host: str = "127.0.0.1"
    port: Annotated[int, _between(0, 65_535)] = 8080
    public_url: str = ""
    database_url: str = "sqlite:///kp7.db"
    files_url: str = ""
    ocr: str = ""
    papers_at_once: Annotated[int, _between(1, 16)] = 2
    clamd: str = ""
    erased_file: str = ""
    master_key: str = ""
    master_key_old: str = ""
    header_seconds: Annotated[float, Field(gt=0)] = 10
    body_seconds: Annotated[float, Field(gt=0)] = 30
    max_connections: Count = 8000
    metrics_public: bool = False
    audit_anchor: str = ""
    web_chat: bool = False
    demo: bool = False
    timezone: str = "Asia/Bangkok"
    hr_contact: str = ""

    line_channel_secret: str = ""
    line_channel_access_token: str = ""
    line_api_url: str = "https://api.line.me"

    smtp_host: str = ""
    smtp_port: Annotated[int, _between(1, 65_535)] = 25
    smtp_username: str = ""
    smtp_password: str = ""
    smtp_tls: Literal["none", "starttls", "tls"] = "starttls"
    smtp_from: str = ""
    smtp_timeout_seconds: Annotated[float, Field(gt=0)] = 10

    card_verifier: Literal["officer", "roster", "http"] = "officer"
    card_verifier_url: str = ""
    card_verifier_token: str = ""

    code_digits: Annotated[int, _between(6, 8)] = 6
    code_minutes: Annotated[int, _between(1, 10)] = 5
    code_guesses: Annotated[int, _between(1, 5)] = 5
    code_lock_minutes: Annotated[int, _between(1, 1440)] = 15
    code_resend_seconds: Annotated[int, _between(60, 3600)] = 60
    codes_per_hour: Annotated[int, _between(1, 5)] = 5
    codes_per_day: Annotated[int, _between(1, 10)] = 10
    wrong_codes_per_hour: Annotated[int, _between(1, 10)] = 10
    wrong_codes_per_day: Annotated[int, _between(1, 20)] = 20
    wrong_codes_in_a_row: Annotated[int, _between(1, 100)] = 100
    wrong_codes_everywhere_per_hour: Annotated[int, _between(1, 500)] = 500
    lookups_per_hour: Annotated[int, _between(1, 100)] = 20
    lookups_everywhere_per_hour: Count = 2000  # how many people there are is the office's own affair
    identity_tries_before_officer: Annotated[int, _between(1, 5)] = 3
    identity_tries_per_day: Annotated[int, _between(1, 5)] = 5
    officer_checks_per_day: Annotated[int, _between(1, 20)] = 3
    officer_check_days: Keeping = 30
    help_per_day: Annotated[int, _between(1, 20)] = 5
    paper_megabytes: Annotated[int, _between(1, 20)] = 20
    files_per_day: Annotated[int, _between(1, 1000)] = 300
    step_up_minutes: Annotated[int, _between(1, 5)] = 5

    web_idle_minutes: Annotated[int, _between(1, 60)] = 60
    web_total_hours: Annotated[int, _between(1, 24)] = 24
    chat_idle_hours: Annotated[int, _between(1, 12)] = 12
    chat_total_days: Annotated[int, _between(1, 7)] = 7
    shared_idle_minutes: Annotated[int, _between(1, 60)] = 15
    pause_hours: Annotated[int, _between(1, 168)] = 12
    conversation_days: Keeping = 7
    chat_history_hours: Annotated[int, _between(1, 720)] = 24
    inbox_days: Annotated[int, _between(3, 89)] = 3  # longer than a platform delivers an event again
    dead_letter_days: Keeping = 7

    self_service_before: Day = date(2018, 10, 1)
    transfer_overrides_date: bool = True
    certify_on_phone: bool = True
    return_days: Annotated[int, _between(1, 90)] = 7
    officer_idle_minutes: Annotated[int, _between(1, 15)] = 15
    officer_total_hours: Annotated[int, _between(1, 12)] = 12
    factor_guesses: Annotated[int, _between(1, 10)] = 5
    prompt_minutes: Annotated[int, _between(1, 1440)] = 60
    phone_digits_min: Annotated[int, _between(1, 15)] = 9
    phone_digits_max: Annotated[int, _between(1, 15)] = 10
    quiet_until_hour: Annotated[int, _between(0, 23)] = 8

    @field_validator("master_key", "master_key_old")
    @classmethod
    def _decodes(cls, value: str) -> str:
        if value and len(_decode(value)) < 32:
            raise ValueError("must be at least 32 bytes of base64; make one with: openssl rand -base64 32")
        return value

    @field_validator("timezone")
    @classmethod
    def _exists(cls, value: str) -> str:
        if value not in _timezones():
            raise ValueError("is not a time zone, such as Asia/Bangkok")
        return value

    @property
    def master(self) -> bytes:
        return _decode(self.master_key)

    @property
    def master_old(self) -> bytes:
        return _decode(self.master_key_old)

    @property
    def files_address(self) -> str:
        """Where files lie; beside the database, if that is a file."""
        return self.files_url or Path(f"{urlsplit(self.database_url).path[1:]}.files").absolute().as_uri()

    @property
    def erased_path(self) -> Path:
        """The ledger of who was erased; beside the database, if that is a file."""
        return Path(self.erased_file or f"{urlsplit(self.database_url).path[1:]}.erased")

    @property
    def address(self) -> str:
        """Where people reach this server, without a final slash. Never taken from a request."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def secure(self) -> bool:
        return self.address.lower().startswith("https://")


def version() -> str:
    """Of this program."""
    try:
        return metadata.version("kp7")
    except metadata.PackageNotFoundError:  # run from a checkout that was not installed
        return "unknown"


def _decode(value: str) -> bytes:
    try:
        return base64.b64decode(value, altchars=b"-_", validate=True) if value else b""
    except (binascii.Error, ValueError):
        return b""
