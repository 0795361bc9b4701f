"""Every setting is explained, and refused in words when it is wrong."""

import os
import re
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot import faults, policy
from bot.commands.common import settings_and_faults
from bot.settings import Settings
from storage.stores import objects_at

EXAMPLE = (Path(__file__).parent.parent / ".env.example").read_text("utf-8")


def test_every_setting_stands_in_the_example_and_no_other() -> None:
    named = re.findall(r"^([A-Z0-9_]+)=", EXAMPLE, re.MULTILINE)
    assert sorted(named) == sorted(name.upper() for name in Settings.model_fields)


def test_the_example_as_it_is_keeps_every_default(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(EXAMPLE, "utf-8")
    assert Settings(_env_file=tmp_path / ".env") == Settings(_env_file=None)


def test_a_key_that_is_too_short_is_refused() -> None:
    with pytest.raises(ValidationError):
        Settings(_env_file=None, master_key="c2hvcnQ=")


# What docs/security.md says: the last value that is still good, and the next one.
LOOSEST = {
    "code_digits": (6, 5), "code_minutes": (10, 11), "code_guesses": (5, 6), "code_resend_seconds": (60, 59),
    "codes_per_hour": (5, 6), "codes_per_day": (10, 11), "wrong_codes_per_hour": (10, 11),
    "wrong_codes_per_day": (20, 21), "wrong_codes_in_a_row": (100, 101), "wrong_codes_everywhere_per_hour": (500, 501),
    "identity_tries_per_day": (5, 6), "identity_tries_before_officer": (5, 6), "officer_checks_per_day": (20, 21),
    "help_per_day": (20, 21),
    "paper_megabytes": (20, 21), "files_per_day": (1000, 1001),
    "lookups_per_hour": (100, 101), "step_up_minutes": (5, 6), "web_idle_minutes": (60, 61),
    "web_total_hours": (24, 25), "chat_idle_hours": (12, 13), "chat_total_days": (7, 8),
    "shared_idle_minutes": (60, 61),
    "conversation_days": (89, 90), "officer_check_days": (89, 90), "inbox_days": (3, 2), "dead_letter_days": (89, 90),
    "papers_at_once": (16, 17), "port": (65_535, 65_536), "smtp_port": (65_535, 65_536),
}  # fmt: skip


@pytest.mark.parametrize("name", LOOSEST)
def test_what_would_weaken_a_rule_is_refused_wherever_it_is_set(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    good, bad = LOOSEST[name]
    monkeypatch.setenv(name.upper(), str(good))
    assert getattr(Settings(_env_file=None), name) == good
    monkeypatch.setenv(name.upper(), str(bad))
    with pytest.raises(ValidationError):
        Settings(_env_file=None)
    if name in policy.RULES:
        assert policy.parse(name, str(good)) == good
        with pytest.raises(policy.Refused, match=rf"^{name}: .*\.$"):
            policy.parse(name, str(bad))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", ""), ("file:///var/lib/kp7/files", ""), ("s3://bucket", ""), ("s3://bucket/a/prefix", ""),
        ("file:///", "names no folder"), ("file://host/folder", "has a host"), ("s3:///prefix", "names no bucket"),
        ("https://example.go.th/files", "a kind of store"), ("/var/lib/kp7/files", "a kind of store"),
        ("file://[", "is not an address"),
    ],
)  # fmt: skip
def test_where_files_cannot_lie_is_said_in_a_sentence_and_nothing_else_is_refused(url: str, says: str) -> None:
    found = dict(faults.incomplete(Settings(_env_file=None, files_url=url))).get("files_url", "")
    assert (says in found, found.endswith(".")) == (True, bool(says))
    if url and not says:
        objects_at(url)
    elif url:
        with pytest.raises(ValueError, match=r"."):
            objects_at(url)


def test_on_postgresql_somebody_must_say_where_files_lie() -> None:
    """On SQLite they lie beside the database, wherever that is named from."""
    on = "postgresql://kp7@db.example.go.th/kp7"
    assert "is not set" in dict(faults.incomplete(Settings(_env_file=None, database_url=on)))["files_url"]
    assert Settings(_env_file=None, database_url="sqlite:////srv/kp7.db").files_address == "file:///srv/kp7.db.files"
    assert Settings(_env_file=None).files_address == Path("kp7.db.files").absolute().as_uri()


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("127.0.0.1:3310", True), ("[::1]:3310", True), ("/run/clamav/clamd.ctl", True),
        ("clamd", False), (":3310", False), ("clamd:", False), ("clamd:0", False), ("clamd:99999", False),
        ("clamd:๓๓๑๐", False), ("clamd:9" + "9" * 5_000, False),
    ],
)  # fmt: skip
def test_an_address_of_clamd(address: str, good: bool) -> None:
    found = dict(faults.incomplete(Settings(_env_file=None, clamd=address))).get("clamd", "")
    assert (not found) == good
    assert good or "such as" in found


def test_what_s3_wants_to_know_may_stand_in_the_file_of_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What reads it looks into the environment only."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_REGION", "th-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    (tmp_path / ".env").write_text("AWS_REGION=us-1\nAWS_ENDPOINT_URL=https://s3.example.go.th\nANOTHER=x\n")
    settings_and_faults()
    assert (os.environ["AWS_REGION"], os.environ["AWS_ENDPOINT_URL"]) == ("th-1", "https://s3.example.go.th")
    assert "ANOTHER" not in os.environ


BEYOND: dict[type, tuple[str, ...]] = {int: ("1000001", "-1"), date: ("1899-12-31", "2201-01-01"), bool: ("2", "-1")}


@pytest.mark.parametrize("name", policy.RULES)
def test_no_rule_is_without_bounds(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    kind = type(Settings.model_fields[name].default)
    for beyond in (*BEYOND[kind], *(("0",) if kind is int and name != "quiet_until_hour" else ())):
        with pytest.raises(policy.Refused):
            policy.parse(name, beyond)
        monkeypatch.setenv(name.upper(), beyond)
        with pytest.raises(ValidationError):
            Settings(_env_file=None)


@pytest.mark.parametrize(
    ("typed", "why"),
    [("2561-10-01", "2561 is 2018 CE: write 2018-10-01"), ("2567-02-29", "2567 is 2024 CE: write 2024-02-29"),
     ("2400-01-01", "2400 is 1857 CE: write 1857-01-01"), ("2561-02-29", "is no day"), ("2018-13-01", "is no day"),
     ("0", "is no day"), ("86400", "is no day"), ("-86400", "is no day"), ("1538352000", "is no day"),
     ("20181001", "is no day"), ("2018-10-01T00:00", "is no day"), ("๒๐๑๘-๑๐-๐๑", "is no day"),
     ("1899-12-31", "is not between"), ("2200-12-32", "is no day"),
     ("2201-01-01", "is not between 1900-01-01 and 2200-12-31")],
)  # fmt: skip
def test_a_day_is_written_as_one_wherever_it_is_set(monkeypatch: pytest.MonkeyPatch, typed: str, why: str) -> None:
    """Seconds since 1970, or a Buddhist year, would change who may register alone, and nobody would notice."""
    with pytest.raises(policy.Refused, match=rf"^self_service_before: .*{why}.*\.$"):
        policy.parse("self_service_before", typed)
    monkeypatch.setenv("SELF_SERVICE_BEFORE", typed)
    with pytest.raises(ValidationError, match=why):
        Settings(_env_file=None)


@pytest.mark.parametrize("typed", ["1900-01-01", "2018-10-01", "2024-02-29", "2200-12-31"])
def test_a_day_within_its_bounds_is_taken(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    assert policy.parse("self_service_before", typed) == date.fromisoformat(typed)
    monkeypatch.setenv("SELF_SERVICE_BEFORE", typed)
    assert Settings(_env_file=None).self_service_before == date.fromisoformat(typed)


def test_two_settings_that_contradict_each_other_are_named() -> None:
    settings = Settings(_env_file=None, phone_digits_min=11, phone_digits_max=10)
    assert "phone_digits_min" in dict(faults.incomplete(settings))
    assert "phone_digits_min" not in dict(faults.incomplete(Settings(_env_file=None)))
