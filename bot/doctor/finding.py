"""What a check looks at, and what it finds."""

import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bot.faults import Fault
from bot.settings import Settings

Level = Literal["ok", "skipped", "warning", "wrong"]
LEVELS: tuple[Level, ...] = ("ok", "skipped", "warning", "wrong")  # from good to bad


@dataclass(frozen=True)
class Finding:
    """`says`: one sentence on what is. `mend`: one on what to do about it, for warnings and what is wrong."""

    level: Level
    says: str
    mend: str = ""


def ok(says: str) -> Finding:
    return Finding("ok", says)


def skipped(says: str) -> Finding:
    return Finding("skipped", says)


def warning(says: str, mend: str) -> Finding:
    return Finding("warning", says, mend)


def wrong(says: str, mend: str) -> Finding:
    return Finding("wrong", says, mend)


@dataclass(frozen=True)
class Case:
    """What is examined. `faults`: settings that are wrong; in `settings` these have their defaults."""

    settings: Settings
    faults: Sequence[Fault] = ()
    env_file: Path = Path(".env")
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    mail_to: str = ""


Findings = AsyncGenerator[Finding, None]
Look = Callable[[Case], Findings]
