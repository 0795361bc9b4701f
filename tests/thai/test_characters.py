"""Digits, marks, spaces and what does not show, as Thai people type them."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import thai
from bot.events import Invalid
from bot.thai.characters import tidy
from tests.thai.texts import THAI, anything, unhurried


def test_digits_are_translated_both_ways() -> None:
    assert thai.ascii_digits("๐๑๒๓๔๕๖๗๘๙ ０１２３４５６７８９") == "0123456789 0123456789"
    assert thai.thai_digits("0123456789") == "๐๑๒๓๔๕๖๗๘๙"


def test_digits_that_are_not_ours_are_left_alone() -> None:
    others = "".join(chr(c) for c in range(sys.maxunicode + 1) if chr(c).isdigit())
    others = "".join(c for c in others if c not in "0123456789๐๑๒๓๔๕๖๗๘๙０１２３４５６７８９")
    assert "²" in others
    assert thai.ascii_digits(others) == others


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("  รุ่ง \t ทดสอบ\r\n", "รุ่ง ทดสอบ"),
        ("รุ่ง\u00a0\u3000ทดสอบ", "รุ่ง ทดสอบ"),
        ("รุ่ง\u2028ทดสอบ\x85", "รุ่ง ทดสอบ"),
        ("รุ่ง\u200b\u2060ทด\u00adสอบ\ufeff", "รุ่งทดสอบ"),
        ("\u202eรุ่ง\u202c\x00\x1f", "รุ่ง"),
        ("รุ่ง\ud800\udc00", "รุ่ง"),
        ("จํานวน", "จำนวน"),
        ("น้ํา", "น้ำ"),  # what NFKC makes of it
        ("นํ้า", "น้ำ"),  # the other order
        ("นำ้", "น้ำ"),  # the tone typed last
        ("เเม่", "แม่"),
        ("ท\u0e48\u0e38ง", "ท\u0e38\u0e48ง"),  # the vowel goes before the tone, however they were typed
        ("e\u0301", "é"),
        ("", ""),
        ("\u200b", ""),
    ],
)
def test_clean(typed: str, meant: str) -> None:
    assert thai.clean(typed) == meant


def test_clean_removes_all_that_unicode_calls_invisible_and_nothing_that_shows() -> None:
    invisible = {c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) in ("Cc", "Cf", "Cs")}
    spaces = {c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) in ("Zs", "Zl", "Zp")}
    assert {c for c in invisible if thai.clean(f"ก{c}ข") not in ("กข", "ก ข")} == set()
    assert {c for c in spaces if thai.clean(f"ก{c}ข") != "ก ข"} == set()
    letters = [chr(c) for c in range(0x0E01, 0x0E5C) if unicodedata.category(chr(c)) != "Cn"]
    assert [c for c in letters if tidy(f"ก{c}") != f"ก{c}"] == []


@unhurried
@given(anything)
def test_clean_is_one_tidy_line_and_settles(text: str) -> None:
    tidy = thai.clean(text)
    assert thai.clean(tidy) == tidy
    assert tidy == tidy.strip()
    assert "  " not in tidy
    assert tidy.isprintable() or all(unicodedata.category(c) in ("Co", "Cn") for c in tidy if not c.isprintable())
    tidy.encode()  # no lone surrogate


@unhurried
@given(st.text(st.sampled_from(THAI + " a\u0e39\u0e3a\u0301"), max_size=12))
def test_the_short_cut_for_plain_text_changes_nothing(text: str) -> None:
    # The character in front is unknown to the short cut, and nothing else.
    assert thai.clean(f"ö {text}") == f"ö {thai.clean(text)}".rstrip()


@unhurried
@given(st.text(st.sampled_from(THAI + " ")))
def test_clean_does_not_care_whether_nfkc_came_before(text: str) -> None:
    assert thai.clean(unicodedata.normalize("NFKC", thai.clean(text))) == thai.clean(text)


def test_a_megabyte_of_marks_is_no_work() -> None:
    marks = "a" + "\u0301\u0316" * 500_000
    assert thai.clean(marks) == marks  # by the square this would take ten minutes, and the test its time limit
    thai.name_key(marks)
    thai.split_title("นาย " * 100_000)


@pytest.mark.parametrize(
    "words", ["ที่นี่ น้ำ เปรี้ยว ผู้ใหญ่", "e\u0301\u0323\u0302", "हिन्दी", "", "👩‍👩‍👧", "a\u0301\u0302\u0303\u0304"]
)
def test_what_any_language_piles_on_a_letter_is_legible(words: str) -> None:
    assert thai.legible(words) == words


@pytest.mark.parametrize("words", ["\u0301" * 5, "ก" + "\u0e48" * 5, "ขอบคุณ z" + "\u0335\u0489" * 250 + " ค่ะ"])
def test_marks_that_cover_the_lines_around_are_not(words: str) -> None:
    with pytest.raises(Invalid, match="words_piled"):
        thai.legible(words)
