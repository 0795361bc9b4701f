"""Dates as they are written in running text, and what each is there for. Pure.

Thai that comes out of a PDF may have lost its marks (มนาคม, วันที), or have spaces where they stood. So words are looked
for by their large letters alone, whatever stands between.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Literal

from bot.papers.reading import LARGE, skeleton
from bot.thai import MONTHS_EN, MONTHS_TH, MONTHS_TH_SHORT, ascii_digits
from bot.times import BE
from bot.values import frozen

_SMALL = "ะัาำิีึืฺุู็่้๊๋์ํๅ"
GAP = rf"[{_SMALL}\s.]*"


def loose(words: str) -> str:
    """A pattern for the words, whatever small letters, dots and spaces stand between their large ones."""
    large = skeleton(words.lower())
    pattern = GAP.join(map(re.escape, large)) + GAP
    return pattern if large[0] in LARGE else rf"(?<![a-z]){pattern}(?<![a-z](?=[a-z]))"


def any_of(*phrases: str) -> str:
    return "(?:" + "|".join(loose(phrase) for phrase in sorted(phrases, key=len, reverse=True)) + ")"


def compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_MONTHS = {f"t{n}": loose(name) for n, name in enumerate(MONTHS_TH, 1)}
_MONTHS |= {f"e{n}": rf"(?<![a-z])(?:{name}|{name[:3]}t?\.?)(?![a-z])" for n, name in enumerate(MONTHS_EN, 1)}
# มี.ค. without its mark is ม.ค.; กรกฏาคม is how many write it
_MONTHS |= {f"s{n}": loose(name) for n, name in enumerate(MONTHS_TH_SHORT, 1) if n != 3}
_MONTHS["x7"] = loose("กรกฏาคม")
_MONTH = "(?:" + "|".join(f"(?P<{key}>{pattern})" for key, pattern in _MONTHS.items()) + ")"
_ERA = (
    rf"(?:(?P<be>{loose('พุทธศักราช')}|{loose('พ.ศ.')}|(?<![a-z])B\.?E\.?)|(?P<ce>{loose('คริสต์ศักราช')}|{loose('ค.ศ.')}))?"
)
_DAY, _YEAR = r"(?<![0-9])(?P<day>[0-9]{1,2})", r"(?P<year>[0-9]{4}|[0-9]{2})(?![0-9])"
_NOT = r"(?![0-9])"  # what follows no digit
_FORMS = (
    compiled(rf"{_DAY}\s*(?:st|nd|rd|th)?\s*(?:of\s)?{GAP}(?:{loose('เดือน')})?{_MONTH}[\s,]*{_ERA}[\s,]*{_YEAR}"),
    compiled(rf"{_MONTH.replace('?P<', '?P<')}\s*(?P<day>[0-9]{{1,2}}){_NOT}\s*(?:st|nd|rd|th)?[\s,]+{_YEAR}"),
    compiled(rf"{_DAY}\s?(?P<by>[/.-])\s?(?P<month>[0-9]{{1,2}})\s?(?P=by)\s?{_YEAR}"),
    compiled(rf"(?<![0-9])(?P<year>[0-9]{{4}})-(?P<month>[0-9]{{2}})-(?P<day>[0-9]{{2}}){_NOT}"),
)

Kind = Literal["passed", "end", "issued", "plain", "other"]
_LABELS: dict[str, re.Pattern[str]] = {
    "other": compiled(
        any_of("พิมพ์เมื่อ", "พิมพ์ ณ", "วันที่พิมพ์", "ดาวน์โหลด", "เกิดวันที่", "เกิดเมื่อ", "วันเกิด", "วันเดือนปีเกิด", "หมดอายุ", "ใช้ได้ถึง")
        + "|"
        + any_of("ลงวันที่", "ลงทะเบียน", "สมัคร", "เริ่มเรียน", "เริ่มต้น", "สำเนาถูกต้อง", "วันที่เรียกดู", "ตรวจสอบเมื่อ", "ปรับปรุงเมื่อ")
        + "|"
        + any_of(
            "printed", "downloaded", "generated", "born", "birth", "expires", "expiry", "valid until", "valid through"
        )
        + "|"
        + any_of("enrolled", "registered", "started", "start date", "accessed", "last updated", "retrieved", "viewed")
    ),
    "passed": compiled(
        any_of("ผ่านเมื่อ", "สำเร็จเมื่อ", "เรียนจบเมื่อ", "จบการเรียนเมื่อ", "วันที่สำเร็จ", "วันที่เรียนจบ", "วันที่ผ่าน")
        + "|"
        + any_of("completed on", "completion date", "date of completion", "date completed", "passed on", "finished on")
    ),
    "issued": compiled(
        any_of("ให้ไว้ ณ", "ให้ไว้เมื่อ", "ให้ ณ วันที่", "ออกให้", "ออก ณ วันที่", "วันที่ออก", "ออกเมื่อ", "มอบ ณ", "ประกาศ ณ")
        + "|"
        + any_of(
            "issued", "issue date", "date of issue", "given on", "given this", "awarded on", "dated", "conferred on"
        )
    ),
}
# Says little by itself: ให้ไว้เมื่อวันที่ is when it was issued.
_WHEN = compiled(any_of("เมื่อวันที่") + "$")
_PASSING = compiled(any_of("ผ่านการ", "ได้ผ่าน", "สำเร็จการ", "ผ่านหลักสูตร", "เรียนจบ"))
_RANGE = compiled(any_of("ระหว่าง", "ตั้งแต่", "from", "between", "during"))
_TO = r"(?:[-–—]|" + any_of("ถึง", "จนถึง", "to", "until", "and", "through") + ")"
_ONLY_TO = compiled(rf"[\s,]*{_TO}\s*(?:{loose('วันที่')})?[\s]*")
_ENDS_WITH_TO = compiled(rf"[0-9{_SMALL}]\s*{_TO}\s*(?:{loose('วันที่')})?\s*$|[a-z]\s*{_TO}\s*$")
_NEAR, _FAR = 30, 90  # letters: from a label to its date, from “between” to the second date


@frozen
class Dated:
    """`plain`: nothing says what for; `other`: something else than what is looked for. `clear`: no other day could be
    meant."""

    day: date
    kind: Kind
    clear: bool


def dates(text: str, *, keeps_marks: bool) -> list[Dated]:
    """All dates, as they follow each other. `keeps_marks`: ม.ค. cannot have been มี.ค."""
    text = ascii_digits(text)
    found: list[Dated] = []
    before, last = 0, ""  # where the one before ended, and what it was
    for match in _matches(text):
        context = text[max(before, match.start() - _FAR) : match.start()]
        kind, last = _kind(context, last)
        if last == "end" and found and found[-1].kind == "plain" and _ONLY_TO.fullmatch(context):
            found[-1] = Dated(found[-1].day, "other", found[-1].clear)
        before = match.end()
        if read := _day(match, keeps_marks):
            found.append(Dated(read[0], kind, read[1]))
    return found


def _matches(text: str) -> Iterator[re.Match[str]]:
    """Those that do not overlap: the earlier form wins."""
    taken: list[tuple[int, int]] = []
    found = []
    for form in _FORMS:
        for match in form.finditer(text):
            if not any(match.start() < end and start < match.end() for start, end in taken):
                taken.append(match.span())
                found.append(match)
    return iter(sorted(found, key=lambda match: match.start()))


def _kind(context: str, last: str) -> tuple[Kind, str]:
    """→ what a date with this before it is, and what the next one should know of it."""
    if last and _ONLY_TO.fullmatch(context):
        return ("other", "other") if last == "other" else ("end", "end")
    near = context[-_NEAR:]
    ends = {kind: max((match.end() for match in label.finditer(near)), default=-1) for kind, label in _LABELS.items()}
    ranges = [match.end() for match in _RANGE.finditer(context)]
    if ends["other"] >= 0:
        return "other", "other"
    nearest = max(ends, key=lambda kind: ends[kind])
    if ranges and ranges[-1] >= ends[nearest] + len(context) - len(near):
        return ("end", "end") if _ENDS_WITH_TO.search(context) else ("other", "start")
    if ends[nearest] >= 0:
        kinds: dict[str, Kind] = {"passed": "passed", "issued": "issued"}
        return kinds[nearest], nearest
    if _WHEN.search(context) and _PASSING.search(context):
        return "passed", "passed"
    return "plain", "end" if _ENDS_WITH_TO.search(context) else "plain"


def _day(match: re.Match[str], keeps_marks: bool) -> tuple[date, bool] | None:
    groups = match.groupdict()
    key = next((key for key in _MONTHS if groups.get(key)), "")
    day, month, year = int(groups["day"]), int(key[1:] or groups.get("month") or 0), int(groups["year"])
    clear = True
    if key == "s1":
        month, clear = (3, True) if "ี" in match.group() else (1, keeps_marks)
    if len(groups["year"]) == 2:
        clear = False
        year += 2000 if key.startswith("e") else 2500
    buddhist = bool(groups.get("be")) or (not groups.get("ce") and year >= 2400)
    if not key and not buddhist and groups["day"] is not None and "by" in groups:
        clear = False  # 3/4/2024 is another day for Americans
        if month > 12 >= day:
            day, month = month, day
    try:
        return date(year - BE if buddhist else year, month, day), clear
    except ValueError:
        return None


def spelt_well(text: str, words: Iterable[str]) -> bool:
    """Whether some of the words stand there, and wherever their large letters do, so do the small ones."""
    found = False
    for word in words:
        for match in compiled(loose(word)).finditer(text):
            found = True
            if not "".join(match.group().split()).startswith(word):
                return False
    return found
