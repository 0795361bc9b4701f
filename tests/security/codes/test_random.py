"""Codes are random, and a reference stands beside each (OTP1)."""

import math
import os
import re
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from bot.settings import Settings
from handlers.identity import codes
from storage.vault import Key
from tests.cast import SOMCHAI
from tests.house import House
from tests.security.tools import stranger


class Nothing:
    """A database in which nothing has happened yet."""

    def __init__(self) -> None:
        self.cancelled = set[str]()

    async def run(self, *_: Any) -> int:
        return 0

    async def all(self, *_: Any) -> list[Any]:
        return []

    each = all

    async def one(self, *_: Any) -> None:
        return None

    async def among(self, *_: Any) -> None: ...


async def draw(times: int) -> tuple[list[str], list[str]]:
    """What `codes.issue` mails and shows, so many times over."""
    made: list[str] = []
    vault = SimpleNamespace(secret=lambda _: bytes(32), index=lambda *_: "")
    visitor = stranger("chat", Key("k", bytes(32)))
    context: Any = SimpleNamespace(
        tx=Nothing(), now=0, visitor=visitor, vault=vault, settings=Settings(_env_file=None), again=False,
        post=lambda *given, **_: made.append(given[2]["params"]["code"]),
    )  # fmt: skip
    person: Any = SimpleNamespace(id="person", wrong_codes=0)
    shown = [(await codes.issue(context, "login", person, "a@example.com")).reference for _ in range(times)]
    return made, shown


def chi_squared_p(counts: list[int]) -> float:
    """How likely at least so uneven counts are, if all are equally likely (Wilson and Hilferty's approximation)."""
    mean, df = sum(counts) / len(counts), len(counts) - 1
    statistic = sum((n - mean) ** 2 / mean for n in counts)
    z = ((statistic / df) ** (1 / 3) - (1 - 2 / (9 * df))) / math.sqrt(2 / (9 * df))
    return 0.5 * math.erfc(z / math.sqrt(2))


def looks_random(made: list[str]) -> bool:
    thousands = Counter(code[:3] for code in made)
    units = Counter(code[3:] for code in made)
    return all(chi_squared_p([found[f"{n:03d}"] for n in range(1000)]) > 0.001 for found in (thousands, units))


class Draughts:
    """The system's own random bytes, fetched by the bucket: one at a time they take longer than all the rest."""

    def __init__(self, source: Callable[[int], bytes]) -> None:
        self._source, self._bucket, self._at = source, b"", 0

    def __call__(self, size: int) -> bytes:
        if self._at + size > len(self._bucket):
            self._bucket, self._at = self._source(1 << 16), 0
        self._at += size
        return self._bucket[self._at - size : self._at]


async def are_uniform(times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random._urandom", Draughts(os.urandom))
    monkeypatch.setattr("os.urandom", Draughts(os.urandom))
    made, _ = await draw(times)
    assert all(re.fullmatch("[0-9]{6}", code) for code in made)
    if not looks_random(made):  # one honest draw in 500 looks uneven; two in a row do not
        assert looks_random((await draw(times))[0])


async def test_codes_are_uniform(monkeypatch: pytest.MonkeyPatch) -> None:
    """`make soak` draws five times as many."""
    await are_uniform(20_000, monkeypatch)


async def test_a_reference_stands_beside_the_code(house: House) -> None:
    _, shown = await draw(1)
    assert re.fullmatch("[A-Z]{4}", shown[0])
    chat = await house.somebody()
    await chat.begins(SOMCHAI.national_id)
    mail = await house.post.mail_to(SOMCHAI.email)
    reference = re.search(r"รหัสอ้างอิง ([A-Z]{4})", chat.screen.text)
    assert reference
    assert reference[1] in house.post.text(mail)
