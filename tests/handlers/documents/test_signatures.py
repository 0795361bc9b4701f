"""What a finger drew, and the scripts that draw it."""

import re
from pathlib import Path

import pytest

import handlers.documents
from handlers.documents import signatures

STATIC = Path(handlers.documents.__file__).parent / "static"
# What came after ES2018, or is in no browser of 2020.
TOO_NEW = (
    r"\?\.[^\d]|\?\?|\|\|=|&&=|\bimport\(|catch \{|\B#\w+[ ;=(]|"
    r"\.at\(|\.flat|replaceAll|matchAll|fromEntries|globalThis"
)


def test_points_come_as_they_were_drawn() -> None:
    assert signatures.read([[[0, 1.5], [3, 4]], [], [[5, 6]]]) == (((0.0, 1.5), (3.0, 4.0)), ((5.0, 6.0),))
    assert signatures.ink((((0, 0), (3, 4)), ((9, 9),), ((0, 0), (0, 5)))) == 10


@pytest.mark.parametrize(
    "given", [None, {}, "ab", [1], [[1]], [[[1]]], [[[1, "2"]]], [[[1, True]]], [[[1, 1e6]]], [[[1, float("inf")]]],
              [[[1, 10**400]]], [[[1, 2]] * 20_001], [[[1, 2]] * 10_001] * 2, [[]] * 1_001],
)  # fmt: skip
def test_what_is_no_drawing(given: object) -> None:
    with pytest.raises(ValueError, match=r"no |more"):
        signatures.read(given)


@pytest.mark.parametrize("script", sorted(STATIC.glob("*.js")), ids=lambda path: path.name)
def test_old_phones_understand_the_page(script: Path) -> None:
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", script.read_text("utf-8"), flags=re.DOTALL)
    assert re.findall(TOO_NEW, code) == []
