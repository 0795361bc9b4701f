"""Environment to frozen `Settings`, read once. Every field stands in `.env.example` with a line of explanation."""

import base64
import binascii
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Count = Annotated[int, Field(ge=1, le=1_000_000)]  # a limit of none would be no limit; in ms, more overflows


class Settings(BaseSettings):
    """Durations carry their unit in their name."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True)

    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = ""
    database_url: str = "sqlite:///kp7.db"
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
    smtp_port: int = 25
    smtp_username: str = ""
    smtp_password: str = ""
    smtp_tls: Literal["none", "starttls", "tls"] = "starttls"
    smtp_from: str = ""
    smtp_timeout_seconds: float = 10

    card_verifier: Literal["officer", "roster", "http"] = "officer"
    card_verifier_url: str = ""
    card_verifier_token: str = ""

    code_digits: Annotated[int, Field(ge=6, le=8)] = 6
    code_minutes: Annotated[int, Field(ge=1, le=10)] = 5
    code_guesses: Annotated[int, Field(ge=1, le=5)] = 5
    code_lock_minutes: Count = 15
    code_resend_seconds: Count = 60
    codes_per_hour: Count = 5
    codes_per_day: Count = 10
    wrong_codes_per_hour: Count = 10
    wrong_codes_per_day: Count = 20
    wrong_codes_in_a_row: Count = 100
    wrong_codes_everywhere_per_hour: Count = 500
    lookups_per_hour: Count = 20
    lookups_everywhere_per_hour: Count = 2000
    identity_tries_before_officer: Count = 3
    identity_tries_per_day: Count = 5
    officer_checks_per_day: Count = 3
    officer_check_days: Count = 30
    step_up_minutes: Annotated[int, Field(ge=1, le=5)] = 5

    web_idle_minutes: Count = 60
    web_total_hours: Count = 24
    chat_idle_hours: Count = 12
    chat_total_days: Count = 7
    shared_idle_minutes: Count = 15
    pause_hours: Count = 12
    conversation_days: Count = 7
    chat_history_hours: Count = 24
    inbox_days: Annotated[int, Field(ge=3)] = 3  # longer than a platform delivers an event again
    dead_letter_days: Count = 7

    self_service_before: date = date(2018, 10, 1)
    transfer_overrides_date: bool = True
    phone_digits_min: Count = 9
    phone_digits_max: Count = 10
    quiet_until_hour: Annotated[int, Field(ge=0, le=23)] = 8

    @field_validator("master_key", "master_key_old")
    @classmethod
    def _decodes(cls, value: str) -> str:
        if value and len(_decode(value)) < 32:
            raise ValueError("must be at least 32 bytes of base64; make one with: openssl rand -base64 32")
        return value

    @field_validator("timezone")
    @classmethod
    def _exists(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("is not a time zone, such as Asia/Bangkok")
        return value

    @property
    def master(self) -> bytes:
        return _decode(self.master_key)

    @property
    def master_old(self) -> bytes:
        return _decode(self.master_key_old)

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


def _decode(value: str) -> bytes:
    try:
        return base64.b64decode(value, altchars=b"-_", validate=True) if value else b""
    except (binascii.Error, ValueError):
        return b""
