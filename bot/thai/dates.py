"""Dates as they are typed, and dates and times as they are shown."""

import re
from datetime import date, datetime
from typing import Literal

from bot.events import Invalid, Language
from bot.thai.characters import DASH, ascii_digits, bounded, compose
from bot.times import BE

MONTHS_TH = (
    "มกราคม",
    "กุมภาพันธ์",
    "มีนาคม",
    "เมษายน",
    "พฤษภาคม",
    "มิถุนายน",
    "กรกฎาคม",
    "สิงหาคม",
    "กันยายน",
    "ตุลาคม",
    "พฤศจิกายน",
    "ธันวาคม",
)
MONTHS_TH_SHORT = (
    "ม.ค.",
    "ก.พ.",
    "มี.ค.",
    "เม.ย.",
    "พ.ค.",
    "มิ.ย.",
    "ก.ค.",
    "ส.ค.",
    "ก.ย.",
    "ต.ค.",
    "พ.ย.",
    "ธ.ค.",
)
MONTHS_EN = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def _month_names() -> dict[str, int]:
    """Every spelling of a month, lower case and without dots, to its number."""
    names = {"sept": 9, "กรกฏาคม": 7, "กุมภาพันธุ์": 2}  # the last two are common misspellings
    for number, (thai, short, english) in enumerate(zip(MONTHS_TH, MONTHS_TH_SHORT, MONTHS_EN, strict=True), start=1):
        spoken = re.sub("(?:คม|ยน|พันธ์)$", "", thai)  # ตุลา, เมษา, กุมภา
        for name in (thai, spoken, short.replace(".", ""), english.lower(), english[:3].lower()):
            names[name] = number
    return names


_MONTHS = _month_names()
_Era = Literal["", "BE", "CE"]
_ERAS: dict[str, _Era] = {
    "พุทธศักราช": "BE",
    "พศ": "BE",
    "be": "BE",
    "คริสต์ศักราช": "CE",
    "คริสตศักราช": "CE",
    "คศ": "CE",
    "ad": "CE",
    "ce": "CE",
}
_DATE_NOISE = re.compile(r"วัน[^0-9\s]{0,10}ที่|วันที่|ที่|เดือน|ปี|(?<=[0-9])(?:st|nd|rd|th)\b|\bof\b")
_CLOCK = re.compile(r"(?:t|\s)\s*[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:\s?น\.?)?$")
_DATE_TOKEN = re.compile(r"[0-9]+|[^0-9\s]+(?:\s+[^0-9\s]+)*")


def parse_date(text: str) -> date:
    """The day that was written: `๑ ต.ค. ๒๕๖๑`, `1/10/61`, `1 ตุลาคม พ.ศ. 2561`, `01102561`, `2018-10-01 00:00:00`, ….

    Day before month, unless the year comes first or an English month name does. A year of 2400 or more is Buddhist Era,
    a smaller one Common Era, two digits are พ.ศ. 25xx (this project's default: `18` is 2518, not 2018) and a written
    พ.ศ. or ค.ศ. decides (with ค.ศ. the year needs four digits). Eight digits are day, month, year. A time after the
    date is dropped. The caller echoes the date in full words (`format_date`), so that a misreading shows.

    Raises `Invalid`: `date_format`, or `date_impossible` for a day that does not exist (31 ก.พ.).
    """
    refusal = Invalid("date_format")
    tokens, era = _date_era(_date_tokens(bounded(text, 64, refusal)))
    day, month, year = _date_parts(tokens, refusal)
    if len(year) not in (2, 4) or len(day) > 2 or len(month) > 2 or (len(year) == 2 and era == "CE"):
        raise refusal
    number = int(year) + (2500 if len(year) == 2 else 0)
    # The era goes before the date is built: 29 Feb 2567 BE exists, 29 Feb 2567 CE does not.
    buddhist = era == "BE" or (era == "" and number >= 2400)
    try:
        return date(number - BE if buddhist else number, int(month), int(day))
    except ValueError:
        raise Invalid("date_impossible") from None


def _date_tokens(text: str) -> list[str]:
    """Runs of digits, and what stands between them with separators taken out: `['1', 'ตคพศ', '2561']`."""
    text = _CLOCK.sub("", DASH.sub("-", ascii_digits(compose(text))).lower())
    tokens = (re.sub(r"[\s.,/\-]", "", token) for token in _DATE_TOKEN.findall(_DATE_NOISE.sub(" ", text)))
    return [token for token in tokens if token]


def _date_era(tokens: list[str]) -> tuple[list[str], _Era]:
    """The tokens without the words for an era, and the era they named."""
    era: _Era = ""
    bare = []
    for token in tokens:
        for name, meant in _ERAS.items():
            stripped = token.removesuffix(name)
            if stripped != token and (not stripped or stripped in _MONTHS):
                era = meant
                break
        else:
            stripped = token
        if stripped:
            bare.append(stripped)
    return bare, era


def _date_parts(tokens: list[str], refusal: Invalid) -> tuple[str, str, str]:
    """Day, month and year, each as digits, in whichever order they stood."""
    named = [token in _MONTHS for token in tokens]
    numbers = [str(_MONTHS.get(token, token)) for token in tokens]
    if not all(number.isascii() and number.isdigit() for number in numbers):
        raise refusal
    if len(numbers) == 1 and len(numbers[0]) == 8:
        return numbers[0][:2], numbers[0][2:4], numbers[0][4:]
    if len(numbers) != 3 or named[2] or (named[0] and named[1]):
        raise refusal
    if named[0]:
        return numbers[1], numbers[0], numbers[2]
    if len(numbers[0]) == 4:
        return numbers[2], numbers[1], numbers[0]
    return numbers[0], numbers[1], numbers[2]


def birth_date(text: str, today: date, youngest: int = 15, oldest: int = 110) -> date:
    """A date of birth: `parse_date`, and the person is `youngest` to `oldest` years old today (own defaults).

    Raises `Invalid`: those of `parse_date`, and `birth_date_range` with `youngest` and `oldest` as parameters.
    """
    born = parse_date(text)
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if born > today or not youngest <= age <= oldest:
        raise Invalid("birth_date_range", youngest=youngest, oldest=oldest)
    return born


def format_date(day: date, language: Language) -> str:
    """`1 ตุลาคม 2561` (Buddhist Era) or `1 October 2018`."""
    if language == "th":
        return f"{day.day} {MONTHS_TH[day.month - 1]} {day.year + BE}"
    return f"{day.day} {MONTHS_EN[day.month - 1]} {day.year}"


def format_time(moment: datetime, language: Language) -> str:
    """`14:05 น.` or `14:05`, as the clock of `moment` shows it: the caller brings it to Asia/Bangkok first."""
    return f"{moment:%H:%M} น." if language == "th" else f"{moment:%H:%M}"
