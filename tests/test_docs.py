"""What the documents say is so: every command, setting, label, link; and the example topic runs."""

import importlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pytest
import typer.main
from babel.messages import mofile, pofile

import handlers
from bot import app
from bot.cli import app as command_line
from bot.commands import officer
from bot.events import LANGUAGES
from bot.settings import Settings
from bot.text import LOCALES, Texts
from handlers.organisation.roles import ROLES
from tests.house import a_house
from tests.served import ROOT

DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("*/README.md")])


def read(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


# --- commands and settings --------------------------------------------------------------------------------------------


def commands(command: Any, so_far: str = "kp7") -> Iterator[str]:
    parts = getattr(command, "commands", None)  # of a group; typer brings a click of its own
    if parts is None:
        yield so_far
    else:
        for name, part in parts.items():
            yield from commands(part, f"{so_far} {name}")


@pytest.fixture(scope="module")
def known() -> set[str]:
    return set(commands(typer.main.get_command(command_line)))


def test_every_command_is_explained(known: set[str]) -> None:
    assert {"kp7 serve", "kp7 identity list"} <= known
    text = read("operators.md") + read("hr.md")
    assert sorted(command for command in known if command not in text) == []


def test_every_setting_is_explained_with_its_default() -> None:
    told = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \| \S", read("operators.md"), re.MULTILINE))
    assert sorted(told) == sorted(name.upper() for name in Settings.model_fields)
    defaults = {name.upper(): shown(field.default) for name, field in Settings.model_fields.items()}
    assert {name: default.strip("`") for name, default in told.items()} == defaults


def test_every_setting_is_explained_with_its_bounds() -> None:
    told = dict(re.findall(r"^\| `([A-Z_]+)` \| .*? \| (\S.*) \|$", read("operators.md"), re.MULTILINE))
    bounds = {
        name.upper(): f"{least} to {most}."
        for name, field in Settings.model_fields.items()
        for least in [getattr(part, "ge", None) for part in field.metadata if hasattr(part, "ge")]
        for most in [getattr(part, "le", None) for part in field.metadata if hasattr(part, "le")]
    }
    assert len(bounds) > 30
    assert {name: text for name, text in told.items() if bounds.get(name, "") not in text} == {}


def shown(default: object) -> str:
    match default:
        case bool():
            return str(int(default))
        case float():
            return f"{default:g}"
    return str(default)


# --- roles and keys ---------------------------------------------------------------------------------------------------


def test_every_role_is_explained_and_can_be_given() -> None:
    assert get_args(officer.Role) == ROLES, "bot/commands/officer.py and handlers/organisation/roles.py"
    assert sorted(re.findall(r"^\| `([a-z_]+)` \|", between("operators.md", "| role |"), re.MULTILINE)) == sorted(ROLES)
    for header in ("| หน้าที่ |", "| Role |"):
        told = re.findall(r"\(`([a-z_]+)`\)", between("hr.md", header))
        assert sorted(told) == sorted(ROLES), header


def between(page: str, header: str) -> str:
    """The one table that begins like this."""
    [table] = [part for part in read(page).split("\n\n") if part.startswith(header)]
    return table


DESK = ROOT / "handlers/review/desk"
SIGNS = {
    "ArrowRight": "→", "ArrowLeft": "←", "Equal": "+", "NumpadAdd": "+", "Minus": "−", "NumpadSubtract": "−"
}  # fmt: skip
ELSEWHERE = {"1–9", "Enter", "Esc", "?"}  # in windows, and what opens one


def test_every_key_of_the_desk_is_explained() -> None:
    script = (DESK / "static/desk.js").read_text("utf-8").partition("const KEYS = {")[2].partition("};")[0]
    codes = re.findall(r"^  (\w+):", script, re.MULTILINE)
    assert len(codes) >= 10
    keys = {SIGNS.get(code) or re.sub("^(Key|Digit|Numpad)", "", code) for code in codes} | ELSEWHERE
    help = (DESK / "templates/desk.html").read_text("utf-8").partition("{% for keys, what in ((")[2].partition("%}")[0]
    explained = dict(re.findall(r'"([^"]+)", "(\w+)"', help))
    assert keys_in(" ".join(explained)) == keys
    assert {f"desk.key_{what}" for what in explained.values()} == Texts().prefixed("th", "desk.key_").keys()
    for header in ("| แป้น |", "| Key |"):
        rows = between("hr.md", header).splitlines()[2:]
        assert keys_in(" ".join(row.split("|")[1] for row in rows)) == keys, header


def keys_in(text: str) -> set[str]:
    return set(re.sub("[/,]", " ", text.replace("1 – 9", "1–9")).split())


# --- labels and links -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["people.md", "hr.md"])
def test_every_button_is_called_what_it_is_called(name: str) -> None:
    labels = set(Texts().prefixed("th", "menu.", "choice.", "control.", "certify.", "factor_page.", "desk.").values())
    quoted = set(re.findall(r"“([฀-๿ ]+)”", read(name)))
    assert quoted
    assert quoted - labels == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found.read_text("utf-8")), target


def anchors(text: str) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# --- the example topic ------------------------------------------------------------------------------------------------


def files_in(text: str) -> Mapping[str, str]:
    """Path → code of every block whose first line names its file."""
    blocks = re.findall(r"^```(?:python|po)\n# (\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return dict(blocks)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """The example's files in a folder of their own, its words added to copies of the catalogues."""
    for name, text in files_in(read("developers.md")).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".po":
            whole = (LOCALES.parent / name).read_text("utf-8") + "\n" + text
            with path.open("w+", encoding="utf-8") as file, path.with_suffix(".mo").open("wb") as compiled:
                file.write(whole)
                file.seek(0)
                mofile.write_mo(compiled, pofile.read_po(file, abort_invalid=True))
        else:
            path.write_text(text, "utf-8")
    return tmp_path


@pytest.fixture
def registered(written: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """KP7 with one topic more."""
    monkeypatch.setattr(handlers, "__path__", [*handlers.__path__, str(written / "handlers")])
    example = importlib.import_module("handlers.colleagues.topic")
    all_topics = handlers.topics
    monkeypatch.setattr(app, "topics", lambda *given: (*all_topics(*given), example.topic()))
    monkeypatch.setattr(app, "Texts", partial(Texts, written / "locales"))
    yield
    for name in [name for name in sys.modules if name.startswith("handlers.colleagues")]:
        del sys.modules[name]


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_example_topic_runs(written: Path, tmp_path: Path, language: str) -> None:
    journey: dict[str, Any] = {}
    exec((written / "tests/journeys/test_colleagues.py").read_text("utf-8"), journey)
    async with a_house(tmp_path) as house:
        chat = await house.somebody(language)
        await journey["counts_colleagues"](house, chat)
        assert {key for key in house.kp7.texts.used if "colleagues" in key} >= {"colleagues.answer"}


def test_the_example_topic_is_written_as_everything_else(written: Path) -> None:
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    assert ruff
    ours = 'lint.isort.known-first-party = ["bot", "handlers", "storage", "tests"]'
    check = ("check", "--config", ours, "--extend-per-file-ignores", "test_*.py:ARG")
    for command in (check, ("format", "--check")):
        done = subprocess.run(
            (ruff, *command, "--no-cache", "--config", ROOT / "pyproject.toml", written),
            capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


def test_the_whole_example_is_there(written: Path) -> None:
    made = {str(path.relative_to(written)) for path in written.rglob("*.p[yo]")}
    parts = {f"handlers/colleagues/{name}.py" for name in ("script", "record", "topic")}
    words = {f"locales/{language}/LC_MESSAGES/kp7.po" for language in LANGUAGES}
    assert made == parts | words | {"tests/journeys/test_colleagues.py"}
