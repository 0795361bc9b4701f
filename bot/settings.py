"""Environment to frozen `Settings`, read once. Every field stands in `.env.example` with a line of explanation."""

import base64
import binascii
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Durations carry their unit in their name."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True)

    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = ""
    database_url: str = "sqlite:///kp7.db"
    master_key: str = ""
    web_chat: bool = False
    demo: bool = False
    timezone: str = "Asia/Bangkok"
    hr_contact: str = ""

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
    code_lock_minutes: int = 15
    code_resend_seconds: int = 60
    codes_per_hour: int = 5
    codes_per_day: int = 10
    wrong_codes_per_hour: int = 10
    wrong_codes_per_day: int = 20
    wrong_codes_in_a_row: int = 100
    wrong_codes_everywhere_per_hour: int = 500
    lookups_per_hour: int = 20
    lookups_everywhere_per_hour: int = 2000
    identity_tries_before_officer: int = 3
    identity_tries_per_day: int = 5
    step_up_minutes: Annotated[int, Field(ge=1, le=5)] = 5

    web_idle_minutes: int = 60
    web_total_hours: int = 24
    chat_idle_hours: int = 12
    chat_total_days: int = 7
    shared_idle_minutes: int = 15
    pause_hours: int = 12
    conversation_days: int = 7
    chat_history_hours: int = 24

    self_service_before: str = "2018-10-01"
    transfer_overrides_date: bool = True
    phone_digits_min: int = 9
    phone_digits_max: int = 10
    quiet_until_hour: int = 8

    @field_validator("master_key")
    @classmethod
    def _decodes(cls, value: str) -> str:
        if value and len(_decode(value)) < 32:
            raise ValueError("must be at least 32 bytes of base64; make one with: openssl rand -base64 32")
        return value

    @property
    def master(self) -> bytes:
        return _decode(self.master_key)

    @property
    def address(self) -> str:
        """Where people reach this server, without a final slash. Never taken from a request."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def secure(self) -> bool:
        return self.address.startswith("https://")


def _decode(value: str) -> bytes:
    try:
        return base64.b64decode(value, altchars=b"-_", validate=True) if value else b""
    except (binascii.Error, ValueError):
        return b""
