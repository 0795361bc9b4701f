"""Every setting is explained, and refused in words when it is wrong."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.settings import Settings

EXAMPLE = (Path(__file__).parent.parent / ".env.example").read_text("utf-8")


def test_every_setting_stands_in_the_example_and_no_other() -> None:
    named = re.findall(r"^([A-Z0-9_]+)=", EXAMPLE, re.MULTILINE)
    assert sorted(named) == sorted(name.upper() for name in Settings.model_fields)


def test_the_example_as_it_is_keeps_every_default(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(EXAMPLE, "utf-8")
    assert Settings(_env_file=tmp_path / ".env") == Settings(_env_file=None)


@pytest.mark.parametrize(
    ("name", "value"), [("master_key", "c2hvcnQ="), ("code_digits", 5), ("code_minutes", 11), ("code_guesses", 6)]
)
def test_what_would_weaken_a_rule_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: object) -> None:
    monkeypatch.setenv(name.upper(), str(value))
    with pytest.raises(ValidationError):
        Settings(_env_file=None)
