"""A hundred thousand codes: finer than what every change is tested with."""

import pytest

from tests.security.codes.test_random import are_uniform


async def test_a_hundred_thousand_codes_are_uniform(monkeypatch: pytest.MonkeyPatch) -> None:
    await are_uniform(100_000, monkeypatch)
