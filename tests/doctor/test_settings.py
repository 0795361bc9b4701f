"""Settings, files and the machine: each slip gets its sentence."""

import os
import resource
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bot.doctor import clock, files, machine, settings
from tests.doctor.patients import case, findings, is_well, the_fault
from tests.served import free_port


def with_file(folder: Path, text: str) -> None:
    (folder / ".env").write_text(text, "utf-8")
    (folder / ".env").chmod(0o600)


async def test_right_settings_are_counted(tmp_path: Path) -> None:
    with_file(tmp_path, "SMTP_HOST=mail.example.go.th\nWEB_CHAT=1\nCODE_DIGITS=\nHTTPS_PROXY=http://proxy:3128\n")
    assert "2 of " in await is_well(settings.look, case(tmp_path))


async def test_what_is_wrong_comes_with_its_remedy(tmp_path: Path) -> None:
    patient = case(tmp_path, faults=[("master_key", "is not set. Make one with: openssl rand -base64 32")])
    fault = await the_fault(settings.look, patient)
    assert (fault.level, fault.says) == ("wrong", "MASTER_KEY is not set.")
    assert fault.mend == "Make one with: openssl rand -base64 32"


@pytest.mark.parametrize(
    ("line", "says", "mend"),
    [
        ("SMPT_HOST=mail", "SMPT_HOST in", "Did you mean SMTP_HOST?"),
        ("LINE_CHANNEL_TOKEN=x", "is not a setting", "Did you mean"),
        ("PUBLIC_ADRESS=https://x", "is not a setting, and does nothing", "Remove it"),
    ],
)
async def test_a_misspelt_setting(tmp_path: Path, line: str, says: str, mend: str) -> None:
    with_file(tmp_path, line)
    fault = await the_fault(settings.look, case(tmp_path))
    assert says in fault.says
    assert mend in fault.mend


async def test_in_the_environment_only_near_misses_are_meant_for_us(tmp_path: Path) -> None:
    patient = replace(case(tmp_path), environment={"PATH": "/bin", "HOSTNAME": "kp7", "DATABASE_URI": "sqlite:///x"})
    fault = await the_fault(settings.look, patient)
    assert "DATABASE_URI in the environment" in fault.says
    assert "DATABASE_URL" in fault.mend


async def test_two_values_for_one_setting(tmp_path: Path) -> None:
    with_file(tmp_path, "SMTP_PORT=25")
    patient = replace(case(tmp_path), environment={"SMTP_PORT": "587"})
    assert "the environment's counts" in (await the_fault(settings.look, patient)).says


async def test_quotation_marks_that_became_part_of_a_value(tmp_path: Path) -> None:
    patient = replace(case(tmp_path), environment={"SMTP_PASSWORD": '"secret"'})
    fault = await the_fault(settings.look, patient)
    assert "quotation mark" in fault.says
    assert "secret" not in fault.says + fault.mend


async def test_files_for_one_pair_of_eyes(tmp_path: Path) -> None:
    assert [finding.level for finding in await findings(files.look, case(tmp_path))] == ["skipped"]
    with_file(tmp_path, "")
    (tmp_path / "kp7.db").touch(0o600)
    await is_well(files.look, case(tmp_path))
    (tmp_path / "kp7.db").chmod(0o640)
    fault = await the_fault(files.look, case(tmp_path))
    assert fault.level == "wrong"
    assert fault.mend == f"chmod 600 {tmp_path / 'kp7.db'}"


async def test_too_few_files_for_all_connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    fault = await the_fault(machine.look, case(tmp_path))
    assert "4096 files" in fault.says
    assert "LimitNOFILE=8256" in fault.mend
    assert "KP7 " in await is_well(machine.look, case(tmp_path, max_connections=1000))


async def test_root_is_warned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "root" in (await the_fault(machine.look, case(tmp_path, max_connections=10))).says


async def test_a_clock_with_nobody_to_compare_it_with(tmp_path: Path) -> None:
    found = await findings(clock.look, case(tmp_path, public_url=f"http://127.0.0.1:{free_port()}"))
    assert [finding.level for finding in found] == ["ok", "skipped"]


async def test_days_of_another_country(tmp_path: Path) -> None:
    fault = await the_fault(clock.look, case(tmp_path, timezone="Europe/Berlin"))
    assert fault.mend.startswith("Set TIMEZONE=Asia/Bangkok")


async def test_a_disk_with_a_clock_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 40)
    fault = await the_fault(clock.look, case(tmp_path))
    assert "40 seconds ahead of the clock of the disk" in fault.says
