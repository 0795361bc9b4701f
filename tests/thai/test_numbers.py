"""National IDs, laser codes, codes and telephone numbers, in all their guises."""

import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stdnum.th import pin

from bot import thai
from bot.events import Invalid
from tests.thai.texts import code_of, unhurried


@pytest.mark.parametrize(
    "typed",
    [
        "1999900000013",
        "1-9999-00000-01-3",
        "๑-๙๙๙๙-๐๐๐๐๐-๐๑-๓",
        "๑ ๙๙๙๙ ๐๐๐๐๐ ๐๑ ๓",
        "１９９９９-０００００-０１-３",
        " 1–9999—00000−01‑3\n",
        "1.9999.00000.01.3",
        "\u200b1\u00ad9999\u206000000\ufeff013\u202c",
        "1\u00a09999\u300000000\t01 3",
    ],
)
def test_national_id_in_all_its_guises(typed: str) -> None:
    assert thai.national_id(typed) == "1999900000013"


def test_national_id_takes_every_dash_there_is() -> None:
    dashes = [chr(c) for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c)) == "Pd"] + ["\u2212", "\u00ad"]
    assert {thai.national_id(dash.join(["1", "9999", "00000", "01", "3"])) for dash in dashes} == {"1999900000013"}


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "national_id_format"),
        ("199990000001", "national_id_format"),
        ("19999000000133", "national_id_format"),
        ("199990000001³", "national_id_format"),
        ("199990000001٣", "national_id_format"),
        ("199990000001a", "national_id_format"),
        ("1999900000013 ครับ", "national_id_format"),
        ("1.9999E+12", "national_id_format"),
        ("\ud8001999900000013" * 50, "national_id_format"),
        ("1999900000014", "national_id_checksum"),
        ("0000000000001", "national_id_checksum"),  # the bare formula would take it
    ],
)
def test_what_is_no_national_id(typed: str, code: str) -> None:
    assert code_of(lambda: thai.national_id(typed)) == code


@unhurried
@given(st.from_regex(r"[0-9]{13}", fullmatch=True), st.booleans())
@example("0000000000001", False)
@example("9999900000013", True)
def test_national_id_agrees_with_stdnum(digits: str, mend: bool) -> None:
    if mend:
        digits = digits[:12] + thai.check_digit(digits[:12])
        assert digits[12] == pin.calc_check_digit(digits)
    try:
        mine = thai.national_id(digits)
    except Invalid:
        mine = ""
    assert mine == (digits if pin.is_valid(digits) else "")


@pytest.mark.parametrize(
    "typed",
    ["JT1234567890", "jt1234567890", "JT1-2345678-90", "JT๑ ๒๓๔๕๖๗๘ ๙๐", "ＪＴ１２３４５６７８９０", "JT1–2345678—90"],
)
def test_laser_code(typed: str) -> None:
    assert thai.laser_code(typed) == "JT1234567890"


@pytest.mark.parametrize(
    "typed",
    ["", "J1234567890", "JTT123456789", "JT123456789", "JT12345678901", "ฉท1234567890", "ß1234567890", "Kı1234567890"],
)
def test_what_is_no_laser_code(typed: str) -> None:
    assert code_of(lambda: thai.laser_code(typed)) == "laser_format"


def test_otp() -> None:
    assert thai.otp("๑๒๓ ๔๕๖") == "123456"
    assert thai.otp(" 123-456\n") == "123456"
    assert thai.otp("12345678", digits=8) == "12345678"
    with pytest.raises(Invalid, match="code_format") as refused:
        thai.otp("12345")
    assert refused.value.params == {"digits": 6}
    assert code_of(lambda: thai.otp("12345²")) == "code_format"


@pytest.mark.parametrize(
    ("typed", "digits", "shown"),
    [
        ("081-000-0000", "0810000000", "081-000-0000"),
        ("๐๘๑ ๐๐๐ ๐๐๐๐", "0810000000", "081-000-0000"),
        ("+66 81 000 0000", "0810000000", "081-000-0000"),
        ("+66 (0) 81 000 0000", "0810000000", "081-000-0000"),
        ("０８１０００００００", "0810000000", "081-000-0000"),
        ("(02) 000.0000", "020000000", "02-000-0000"),
        ("๐ ๒๐๐๐ ๐๐๐๐", "020000000", "02-000-0000"),
        ("053-000000", "053000000", "053-000-000"),
    ],
)
def test_phone(typed: str, digits: str, shown: str) -> None:
    assert thai.phone(typed) == digits
    assert thai.format_phone(digits) == shown


def test_what_is_no_phone() -> None:
    for typed in ("", "810000000", "1810000000", "0810000000 ต่อ 1", "08100000", "08100000000", "+1 81 000 0000"):
        with pytest.raises(Invalid, match="phone_format"):
            thai.phone(typed)
    with pytest.raises(Invalid) as refused:
        thai.phone("0810000000", longest=9)
    assert refused.value.params == {"shortest": 9, "longest": 9}
    assert thai.format_phone("1111") == "1111"
