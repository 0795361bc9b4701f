"""What stands in deploy/ fits the program: names, ports, paths, limits."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from bot.cli import app
from bot.doctor.ocr import PACKAGES
from bot.papers.shapes import LIMITS, MIB
from bot.serve import OTHER_FILES
from bot.settings import Settings
from tests.served import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
PORT = Settings.model_fields["port"].default
NAMES = {name.upper() for name in Settings.model_fields}
HOUSE = 512 * MIB  # what KP7 itself may need
HOME, CODE = "/var/lib/kp7", "/opt/kp7"


def text(name: str) -> str:
    return (DEPLOY / name).read_text("utf-8")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found = yaml.safe_load(text("compose.yaml"))
    assert isinstance(found, dict)
    return found


def instructions(word: str) -> list[str]:
    """Of the container file, with their continued lines."""
    whole = re.sub(r"\\\n\s*", "", text("Containerfile"))
    return re.findall(rf"^{word} (.+)$", whole, re.MULTILINE)


def test_every_file_is_in_the_list() -> None:
    for path in DEPLOY.rglob("*"):
        if path.is_file() and path.name != "README.md" and not path.name.startswith("."):
            assert path.name in text("README.md") or path.suffix == ".timer", path


def test_only_settings_are_set(compose: dict[str, Any]) -> None:
    in_file = set(re.findall(r"^([A-Z_]+)=", text("kp7.env"), re.MULTILINE))
    in_image = {pair.partition("=")[0] for line in instructions("ENV") for pair in line.split()}
    in_compose = set(compose["services"]["kp7"]["environment"])
    assert in_file - NAMES == set()
    assert in_compose - NAMES == set()
    assert {name for name in in_image - NAMES if not name.startswith("PYTHON")} == {"PATH"}
    assert in_file >= {"MASTER_KEY", "PUBLIC_URL", "SMTP_HOST", "SMTP_FROM"}, "what it does not start without"


def test_one_port() -> None:
    assert f"server 127.0.0.1:{PORT};" in text("nginx.conf")
    assert f"KP7_UPSTREAM:127.0.0.1:{PORT}" in text("Caddyfile")
    assert instructions("EXPOSE") == [str(PORT)]
    assert f"127.0.0.1:{PORT}/readyz" in instructions("HEALTHCHECK")[0]


def test_one_folder_for_data_and_one_for_code(compose: dict[str, Any]) -> None:
    for unit in (path for path in UNITS if path.suffix == ".service"):
        assert f"WorkingDirectory={HOME}\n" in unit.read_text("utf-8")
        assert f"ExecStart={CODE}/.venv/bin/kp7 " in unit.read_text("utf-8")
    assert f"exec runuser -u kp7 -- {CODE}/.venv/bin/kp7" in text("kp7")
    assert f"DATABASE_URL=sqlite:///{HOME}/kp7.db" in text("kp7.env")
    assert instructions("VOLUME") == [HOME]
    assert compose["services"]["kp7"]["volumes"] == [f"kp7:{HOME}"]


def test_units_run_commands_that_there_are() -> None:
    for unit in (path for path in UNITS if path.suffix == ".service"):
        (line,) = re.findall(r"^ExecStart=\S+/kp7 (.+)$", unit.read_text("utf-8"), re.MULTILINE)
        said = CliRunner().invoke(app, [*line.split()[:1], "--help"])
        assert said.exit_code == 0, line
        for option in re.findall(r"--[a-z]+", line):
            assert option in said.output


def test_the_unit_leaves_room_for_every_connection(compose: dict[str, Any]) -> None:
    needed = Settings.model_fields["max_connections"].default + OTHER_FILES
    (limit,) = re.findall(r"^LimitNOFILE=(\d+)$", text("systemd/kp7.service"), re.MULTILINE)
    assert int(limit) >= needed
    assert compose["services"]["kp7"]["ulimits"]["nofile"] >= needed


def test_the_unit_and_the_container_have_memory_for_every_paper_that_is_read_at_once(compose: dict[str, Any]) -> None:
    needed = HOUSE + Settings.model_fields["papers_at_once"].default * LIMITS.memory
    (most,) = re.findall(r"^MemoryMax=(\d+)M$", text("systemd/kp7.service"), re.MULTILINE)
    assert int(most) * MIB >= needed
    assert int(compose["services"]["kp7"]["mem_limit"].removesuffix("m")) * MIB >= needed


def test_files_outlive_the_container(compose: dict[str, Any]) -> None:
    assert compose["services"]["kp7"]["environment"]["FILES_URL"].startswith(f"file://{HOME}/")


def test_the_image_is_built_from_what_is_there_and_from_nothing_private() -> None:
    asked = [name for line in instructions("COPY") if "--from" not in line for name in line.split()[:-1]]
    assert [name for name in asked if not (ROOT / name).exists()] == []
    let_in = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text("utf-8"), re.MULTILINE))
    assert let_in == set(asked)
    assert "\n*\n" in (ROOT / ".dockerignore").read_text("utf-8")


def test_the_container_has_no_rights_to_lose(compose: dict[str, Any]) -> None:
    assert instructions("USER") == ["kp7"]
    kp7 = compose["services"]["kp7"]
    assert (kp7["read_only"], kp7["cap_drop"]) == (True, ["ALL"])
    assert "ports" not in kp7, "people come through the proxy only"
    assert compose["networks"]["inside"]["internal"]
    assert compose["services"]["database"]["networks"] == ["inside"]


def test_the_image_has_tesseract_where_it_is_asked_for(compose: dict[str, Any]) -> None:
    """The packages that `kp7 doctor` names; without the argument the shell leaves nothing of it."""
    (made,) = [line for line in instructions("RUN") if "postgresql-client" in line]
    (named,) = re.findall(r"\$\{WITH_OCR:\+([^}]+)\}", made)
    assert f"apt install {named}" == PACKAGES
    assert "WITH_OCR=" in instructions("ARG")
    assert compose["services"]["kp7"]["build"]["args"] == {"WITH_OCR": "${WITH_OCR:-}"}


def test_targets_that_the_image_makes_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert "make .venv/.runtime" in instructions("RUN")[1]
    assert re.search(r"^RUNTIME := \$\(VENV\)/\.runtime$", makefile, re.MULTILINE)
    assert "make setup" in instructions("RUN")[2]


needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")


@needs_systemd
def test_systemd_understands_the_units_and_finds_them_closed(tmp_path: Path) -> None:
    here = [tmp_path / unit.name for unit in UNITS]
    for unit, copy in zip(UNITS, here, strict=True):  # where the program lies does not exist here
        copy.write_text(unit.read_text("utf-8").replace(f"{CODE}/.venv/bin/kp7", "/bin/true"), "utf-8")
    code, said = run("systemd-analyze", "verify", *here)
    assert (code, [line for line in said.splitlines() if str(tmp_path) in line]) == (0, [])
    for service in (path for path in here if path.suffix == ".service"):
        # tenths: 100 is an open door, below 20 little is left to take away
        code, said = run("systemd-analyze", "security", "--offline=yes", "--threshold=20", service)
        assert code == 0, said[-200:]


def run(*command: str | Path) -> tuple[int, str]:
    """→ exit code, what it said"""
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    return done.returncode, done.stdout + done.stderr
