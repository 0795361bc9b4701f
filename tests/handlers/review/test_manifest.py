"""No cell of a manifest is a formula, wherever a spreadsheet cuts its lines."""

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.text import Texts
from handlers.review.file_names import ACTIVE
from handlers.review.manifest import Line, Manifest, inert

TEXTS = Texts()
words = st.text(st.sampled_from(f"กa1' \",;\t|\n{ACTIVE}"), max_size=12)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@given(cells=st.tuples(words, words, words, words))
@example(cells=('สมชาย;"=1+1', "", "", "")).via("an attacker")
@example(cells=("x", 'y";""=1', ' " -1', "|@a"))
def test_no_cell_is_a_formula(separator: str, cells: tuple[str, str, str, str]) -> None:
    manifest = Manifest(TEXTS)
    unit, name, officer, note = cells
    for _ in range(2):  # a quote that stays open reaches into the next line
        manifest.add(Line(unit=unit, name=name, officer=officer, note=note))
    (_, listed), _ = manifest.files()
    text = listed.decode("utf-8-sig")
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
        for cell in row:
            assert cell.lstrip(' "')[:1] not in tuple(ACTIVE), cell


def test_what_is_none_stays_as_it_is() -> None:
    for words in ("นายสมชาย ทดสอบ", "a-b", "1+1", 'so "called"', "x; y", ""):
        assert inert(words) == words
