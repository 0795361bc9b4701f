"""`kp7 doctor` as an operator runs it: exit codes, JSON, no secrets, and no check that can hide another."""

import asyncio
import json
import os
import subprocess
from pathlib import Path

from bot.doctor.finding import Case, Findings, ok, skipped, warning
from bot.doctor.rounds import CHECKS, Check, examine, worst
from tests.doctor.patients import KEY, PASSWORD, case
from tests.served import COMMAND, Served, environment, free_port

TOKEN = "Zx9+" * 43


def doctor(folder: Path, *options: str, **settings: object) -> tuple[int, str]:
    """→ exit code, all that was printed"""
    env = environment(folder, master_key=KEY, **settings)
    command = (*COMMAND[:-1], "doctor", *options)
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def test_everything_wrong_at_once_and_no_secret_in_it(tmp_path: Path) -> None:
    secrets = {
        "smtp_username": "kp7",
        "smtp_password": PASSWORD,
        "line_channel_secret": "0123456789abcdef" * 2,
        "line_channel_access_token": TOKEN,
        "card_verifier_token": "c4rd-verifiers-token",
    }
    code, said = doctor(
        tmp_path,
        "--json",
        smtp_port=free_port(),
        line_api_url=f"http://127.0.0.1:{free_port()}",
        public_url=f"http://127.0.0.1:{free_port()}",
        card_verifier="http",
        card_verifier_url=f"http://127.0.0.1:{free_port()}",
        code_digits=5,
        **secrets,
    )
    assert code == 3
    report = json.loads(said)
    assert report["level"] == "wrong"
    ill = {finding["check"] for finding in report["findings"] if finding["level"] == "wrong"}
    assert ill >= {"settings", "mail", "public", "line", "cards"}
    assert all(finding["mend"] for finding in report["findings"] if finding["level"] in ("wrong", "warning"))
    for secret in (KEY, *(value for name, value in secrets.items() if name != "smtp_username")):
        assert secret not in said


def test_what_a_wrong_setting_makes_pointless_waits_for_it(tmp_path: Path) -> None:
    code, said = doctor(tmp_path, public_url="", smtp_host="")
    assert code == 3
    for line in ("wrong    settings    SMTP_HOST is not set.", "skipped  mail        Waits for SMTP_HOST.",
                 "skipped  public      Waits for PUBLIC_URL."):  # fmt: skip
        assert line in said


def test_a_running_server_and_a_letter(tmp_path: Path) -> None:
    """Only what this machine lacks (a mail server, a user who is not root) is found."""
    with Served(tmp_path, master_key=KEY) as served:
        url = f"http://127.0.0.1:{served.port}"
        _, said = doctor(tmp_path, "--json", port=served.port, public_url=url, smtp_port=free_port())
        before = sorted(os.listdir(tmp_path))
        doctor(tmp_path, port=served.port, public_url=url, smtp_port=free_port())
        assert sorted(os.listdir(tmp_path)) == before, "it leaves nothing behind"
    findings = json.loads(said)["findings"]
    assert [finding["check"] for finding in findings if finding["level"] == "wrong"] == ["mail"]
    assert "PUBLIC_URL leads to this KP7." in [finding["says"] for finding in findings]


# --- the rounds -------------------------------------------------------------------------------------------------------


async def slow(_: Case) -> Findings:
    yield ok("This much was seen.")
    await asyncio.sleep(60)


async def broken(_: Case) -> Findings:
    yield warning("Hm.", "See.")
    raise RuntimeError(PASSWORD)


async def well(_: Case) -> Findings:
    yield ok("Fine.")


async def test_no_check_can_hide_or_hold_up_another(tmp_path: Path) -> None:
    checks = (Check("slow", slow, seconds=0.1), Check("broken", broken), Check("well", well))
    report = await examine(case(tmp_path), checks)
    assert [(name, finding.level) for name, finding in report] == [
        ("slow", "ok"), ("slow", "wrong"), ("broken", "warning"), ("broken", "wrong"), ("well", "ok"),
    ]  # fmt: skip
    assert "did not finish within 0.1 seconds" in report[1][1].says
    assert "RuntimeError at rounds.py:" in report[3][1].says
    assert PASSWORD not in repr(report)


async def test_what_needs_a_wrong_setting_is_not_even_begun(tmp_path: Path) -> None:
    faults = [("smtp_port", "is no number"), ("hr_contact", "is odd")]
    report = await examine(case(tmp_path, faults=faults), (Check("mail", broken, ("smtp_",)), Check("well", well)))
    assert report == [("mail", skipped("Waits for SMTP_PORT.")), ("well", ok("Fine."))]


def test_the_worst_finding_decides() -> None:
    assert worst([]) == "ok"
    assert worst([("a", skipped(""))]) == "skipped"
    assert worst([("a", warning("", "")), ("b", ok(""))]) == "warning"


def test_names_fit_their_column() -> None:
    assert max(len(check.name) for check in CHECKS) <= 11
