"""What a certificate says: whose it is, of which course, passed when, by which channel. Pure.

Nothing here is believed for certain unless it was written in plain text, and could not be read in another way: whoever
handed it in confirms the rest, and HR looks at the paper itself. Certificates differ, and PDFs lose the marks of Thai:
so words are found by their large letters (`dates_written.loose`).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Generic, Literal, TypeVar
from urllib.parse import urlsplit

from bot import thai
from bot.papers.reading import skeleton
from bot.papers.shapes import Text
from bot.values import frozen
from handlers.learning.dates_written import Dated, any_of, compiled, dates, loose, spelt_well
from handlers.learning.rounds import LOCAL_MOOC, OCSC, THAI_MOOC
from handlers.learning.rules import Round

_LETTERS_MOST = 6_000  # of all that stands there: more stands on no certificate, and would hold others up

T = TypeVar("T")
Sure = Literal["certain", "proposed", "none"]


@frozen
class Read(Generic[T]):
    """`value`: None where nothing was found (`none`). What is `proposed` somebody must confirm."""

    value: T | None = None
    sure: Sure = "none"


@frozen
class Holder:
    """Whose name stands there: the owner's (`same`), somebody else's (`different`), or none was found (None); `text`:
    the name as it was read, if so."""

    verdict: Literal["same", "different"] | None = None
    sure: Sure = "none"
    text: str = ""


@frozen
class Found:
    name: Holder
    course: Read[str]
    passed_on: Read[date]
    channel: Read[str]


def read(text: Text, owner: Sequence[str], round: Round, today: date, courses: Iterable[str] = ()) -> Found:
    """`owner`: the names they have and had, with or without title. `courses`: names that are known. `today`: nothing is
    passed later."""
    whole = "\n".join(text.lines)[:_LETTERS_MOST]
    return Found(
        name=_name(text, whole, owner),
        course=_course(text, whole, courses),
        passed_on=_passed_on(text, whole, today),
        channel=_channel(text, whole, round),
    )


def _read(value: T, *, certain: bool) -> Read[T]:
    return Read(value, "certain" if certain else "proposed")


# --- whose it is ------------------------------------------------------------------------------------------------------

_NAME_LEAST = 6  # large letters: fewer stand in anything
_NAME_MOST = 90  # letters
_HOLDS = compiled(
    any_of("แสดงว่า", "รับรองว่า", "มอบให้แก่", "มอบให้", "มอบแด่", "ให้แก่", "ชื่อผู้เรียน", "ชื่อผู้เข้าอบรม")
    + f"|{loose('ชื่อ')}[-–]?{loose('สกุล')}|"
    + any_of(
        "certify that", "certifies that", "presented to", "awarded to", "given to", "granted to", "acknowledges that"
    )
)
_HOLDS_NO_MORE = compiled(
    any_of("ได้ผ่าน", "ได้สำเร็จ", "ผ่านการ", "ผ่านหลักสูตร", "สำเร็จการ", "ตำแหน่ง", "สังกัด", "หน่วยงาน", "เลขประจำตัว", "ได้เข้าร่วม")
    + r"|(?<![a-z])(?:has|have|for|who|position|successfully)(?![a-z])|[0-9()“”\":]"
)
_BRACKETED = re.compile(r"\([^()\n]{0,120}\)")
_LATIN = re.compile("[A-Za-z]")


def _name(text: Text, whole: str, owner: Sequence[str]) -> Holder:
    names = [name for name in map(thai.clean, owner) if skeleton(_bare(name))]
    whole = _BRACKETED.sub(" ", whole)  # who signed it
    held = list(_holders(whole))
    for written in held:
        for name in names:
            if thai.name_key(written) == thai.name_key(name):
                return Holder("same", "certain", written)
    for written in held:
        for name in names:
            if _alike(written, name, 1 + text.read):
                return Holder("same", "proposed", written)
    other = next((one for one in held if any(bool(_LATIN.search(one)) == bool(_LATIN.search(n)) for n in names)), "")
    if text.read or (not _LATIN.search(other) and not spelt_well(whole, _MARKED)):
        other = ""  # where marks were lost, or letters guessed, large ones may have been as well
    lines = [line.strip() for line in whole.split("\n")]
    for name in names:
        if any(thai.name_key(line) == thai.name_key(name) for line in lines):
            return Holder("same", "proposed" if other else "certain", name)
    plain = skeleton(whole)
    for name in names:
        bare = skeleton(_bare(name))
        if len(bare) >= _NAME_LEAST and bare in plain and not any(_spelt_otherwise(one, name) for one in held):
            return Holder("same", "proposed", name)
    return Holder("different", "proposed", other) if other else Holder()


def _bare(name: str) -> str:
    return thai.split_title(name)[1]


def _holders(whole: str) -> Iterator[str]:
    """What could be the name of whom it is for: after the words that lead to it, on one line or two."""
    for cue in reversed(list(_HOLDS.finditer(whole))):
        rest = whole[cue.end() : cue.end() + 2 * _NAME_MOST].lstrip(" .:\n")
        end = _HOLDS_NO_MORE.search(rest)
        parts = [part.strip(" .,") for part in rest[: end.start() if end else None].split("\n")][:2]
        for candidate in (parts[0], "".join(parts), " ".join(parts)) if parts[1:] and parts[1] else parts[:1]:
            if len(skeleton(candidate)) >= 2 * _NAME_LEAST // 3 and len(candidate) <= _NAME_MOST:
                yield candidate


def _alike(written: str, name: str, wrong: int) -> bool:
    """The same large letters; with titles or without. `wrong`: that many may be others, from 1; for 1, none."""
    one, other = skeleton(written), skeleton(_bare(name))
    if len(other) < _NAME_LEAST or (wrong == 1 and _spelt_otherwise(written, name)):
        return False
    return one.endswith(other) or (wrong > 1 and len(other) > 2 * _NAME_LEAST and _distance(one, other) <= wrong)


def _distance(one: str, other: str) -> int:
    """Letters that are missing, added or others; a title before `one` costs nothing."""
    one = one[-len(other) - 1 :] if len(one) > len(other) else one
    above = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, expected in enumerate(other, 1):
            line.append(min(above[column - 1] + (letter != expected), above[column] + 1, line[-1] + 1))
        above = line
    return above[-1]


def _spelt_otherwise(written: str, name: str) -> bool:
    """The same large letters with other small ones: สมชัย is not สมชาย. What is missing may have been lost."""
    one, other = thai.split_title(written)[1], _bare(name)
    return skeleton(one) == skeleton(other) and bool(_small(one) - _small(other))


def _small(text: str) -> Counter[str]:
    return Counter(letter for letter in text if letter.isprintable() and not skeleton(letter) and letter not in " .-")


# --- of which course --------------------------------------------------------------------------------------------------

_COURSE_MOST = 200  # letters
_COURSE_LEAST = 3
_LINES_MOST = 3
_PASSED = any_of(
    "ได้ผ่าน", "ผ่านการ", "ผ่านเกณฑ์", "ผ่านหลักสูตร", "ได้สำเร็จ", "สำเร็จการ", "สำเร็จหลักสูตร", "เรียนจบ", "ได้เข้าร่วม", "ได้เข้ารับ"
)
_TOPIC = any_of(
    "หลักสูตรออนไลน์เรื่อง", "หลักสูตรเรื่อง", "หลักสูตร", "รายวิชา", "ชุดวิชา", "คอร์ส", "บทเรียนออนไลน์", "บทเรียน", "หัวข้อวิชา"
)
_DOING = any_of(
    "ผ่านการเรียนรู้ด้วยตนเอง",
    "ผ่านการเรียนรู้",
    "ผ่านการเรียน",
    "ผ่านการฝึกอบรมออนไลน์",
    "ผ่านการฝึกอบรม",
    "ผ่านการอบรมออนไลน์",
    "ผ่านการอบรม",
    "ผ่านการทดสอบ",
    "ผ่านการศึกษา",
    "ผ่านการพัฒนา",
    "สำเร็จการเรียน",
    "สำเร็จการอบรม",
    "สำเร็จการฝึกอบรม",
    "ได้เข้าร่วมอบรม",
    "ได้เข้ารับการอบรม",
)
_ENGLISH_CUE = (
    r"(?:(?:has\s+)?successfully\s+complet(?:ed|ing)|has\s+completed|has\s+passed|completion\s+of|for\s+completing"
    r"|for\s+passing|has\s+finished|participated\s+in)"
)
_ARTICLE = (
    r"(?:\s*(?:the|an?|online|e-?learning|training|course|entitled|titled|on|of|in|study|self-paced"
    r"|all requirements for))*"
)
_CUES = (  # the first that is there is taken
    compiled(rf"{_PASSED}[^\n]{{0,80}}?\n?[^\n“”\"]{{0,80}}?{_TOPIC}"),
    compiled(rf"{_DOING}(?:{any_of('ออนไลน์', 'เรื่อง', 'ในหัวข้อ', 'ทางไกล')})*"),
    compiled(rf"{_ENGLISH_CUE}{_ARTICLE}(?![a-z])"),
    compiled(rf"(?:^|\n)\s*(?:{_TOPIC}|(?:course(?:\s+(?:name|title))?)\s*[:：])"),
)
# Where its name is over: certainly, or perhaps (it may be a part of the name).
_DAY_AFTER = r"(?:[0-9]{1,2}(?:st|nd|rd|th)?\s+(?:of\s+)?[a-z]{3,9}\s+[0-9]|[a-z]{3,9}\s+[0-9]{1,2},)"
_OVER = compiled(
    r"[\s(\[-]*(?:"
    + any_of("ให้ไว้ ณ", "ให้ไว้เมื่อ", "ออกให้", "ณ วันที่", "เมื่อวันที่", "ตั้งแต่วันที่", "ระหว่างวันที่", "ระหว่างเดือน")
    + "|"
    + any_of("อบรมระหว่าง", "เรียนระหว่าง", "รหัสประกาศนียบัตร", "เลขที่ประกาศนียบัตร", "เลขที่")
    + "|"
    + any_of("จำนวน", "ระยะเวลา", "รวมเวลา", "วันที่")
    + r"[0-9]|https?:|www\.|[0-9]{1,2}\s*[/.-]\s*[0-9]{1,2}\s*[/.-]\s*[0-9]{2}"
    r"|^(?:issued?|awarded|given|dated?|completed|completion|certificate|verif|duration|total)(?=[^\n]{0,30}[0-9:])"
    rf"|(?:on|from|between)\s+(?:the\s+)?{_DAY_AFTER})"
)
_PERHAPS = compiled(
    any_of("ผ่านระบบ", "ในระบบ", "ผ่านเว็บไซต์", "ทางเว็บไซต์", "ของสำนักงาน", "ซึ่งจัดโดย", "จัดโดย", "โดยมหาวิทยาลัย")
    + "|"
    + any_of("โดยสำนักงาน", "ด้วยคะแนน", "คะแนน", "พัฒนาโดย", "ตามเกณฑ์")
    + r"|\(|offered by|provided by|through|with a score|via(?![a-z])"
)
_OPENS, _CLOSES = "“\"‘'«", "”\"’'»"


def _course(text: Text, whole: str, courses: Iterable[str]) -> Read[str]:
    known: dict[str, list[str]] = {}
    for name in courses:
        if len(key := skeleton(name.lower())) >= _COURSE_LEAST:
            known.setdefault(key, []).append(thai.clean(name))
    written, clear = _course_written(thai.ascii_digits(whole), whole)
    found = known.get(skeleton(written.lower()), []) if written else []
    if len(found) == 1:
        same = thai.words_key(found[0]) == thai.words_key(written)
        return _read(found[0], certain=clear and same and not text.read)
    if written:
        return _read(written, certain=False)
    plain = skeleton(whole.lower())
    inside = [
        names[0] for key, names in known.items() if len(key) > 2 * _NAME_LEAST and len(names) == 1 and key in plain
    ]
    return _read(inside[0], certain=False) if len(inside) == 1 else Read()


def _course_written(digits: str, whole: str) -> tuple[str, bool]:
    """→ its name as it stands there, and whether it is clear where it ends. `digits`: the same with plain digits, so
    that both have the same places."""
    for cue in _CUES:
        if match := cue.search(digits):
            start = match.end() + len(re.match(r"[\s:：.-]*", whole[match.end() :]).group())  # type: ignore[union-attr]
            found, clear = _name_of_course(digits[start:], whole[start:])
            if len(skeleton(found)) >= _COURSE_LEAST:
                return found, clear
    return "", False


def _name_of_course(digits: str, whole: str) -> tuple[str, bool]:
    if whole[:1] and whole[0] in _OPENS:
        close = re.search(f"[{_CLOSES}]", whole[1 : _COURSE_MOST + 10])
        if close:
            return _joined(whole[1 : close.start() + 1].split("\n")), True
    lines = whole.split("\n")
    kept, at, clear = [], 0, False
    for line in lines[:_LINES_MOST]:
        here = digits[at : at + len(line)]
        at += len(line) + 1
        over, perhaps = _OVER.search(here), _PERHAPS.search(here)
        cut = min((found.start() for found in (over, perhaps) if found), default=None)
        kept.append(line[:cut])
        if cut is not None:
            clear = over is not None and over.start() == cut
            break
    else:
        clear = len(lines) <= _LINES_MOST
    return _joined(kept)[:_COURSE_MOST].strip(), clear


def _joined(lines: Sequence[str]) -> str:
    """Thai goes on without a space on the next line, English with one."""
    whole = ""
    for line in map(str.strip, lines):
        glued = not whole or not line or (not whole[-1].isascii() and not line[0].isascii())
        whole += line if glued else f" {line}"
    return whole.strip(" .,:;-" + _OPENS + _CLOSES)


# --- when it was passed -----------------------------------------------------------------------------------------------

_MARKED = ("วันที่", "ประกาศนียบัตร", "แสดงว่า", "ให้ไว้", "หลักสูตร", "ได้ผ่าน")
_FIRST_YEAR = 2000


def _passed_on(text: Text, whole: str, today: date) -> Read[date]:
    found = dates(whole, keeps_marks=spelt_well(whole, _MARKED))
    possible = [one for one in found if one.day.year >= _FIRST_YEAR and one.day <= today]
    passed, ends, issued, plain = (_of(possible, kind) for kind in ("passed", "end", "issued", "plain"))
    if passed:
        best, alone = passed, True
    elif ends and issued:
        best = ends if max(ends) <= max(issued) else issued
        alone = set(ends) == set(issued)
    elif ends or issued:
        best, alone = ends or issued, True
    else:
        best, alone = plain, False
    if not best or (best is plain and len(plain) > 1):
        return Read()
    return _read(max(best), certain=alone and len(best) == 1 and best[max(best)] and not text.read)


def _of(found: Iterable[Dated], kind: str) -> dict[date, bool]:
    """The days of this kind, and whether each is clear."""
    days: dict[date, bool] = {}
    for one in found:
        if one.kind == kind:
            days[one.day] = days.get(one.day, False) or one.clear
    return days


# --- by which channel -------------------------------------------------------------------------------------------------

_HOST = re.compile(r"(?<![a-z0-9.@-])(?:[a-z0-9-]{1,63}\.){1,6}[a-z]{2,10}(?![a-z0-9@-])", re.IGNORECASE)
_MAIL = re.compile(r"[^\s@]+@[^\s@]+")
# Beside the name of a channel itself: words that may stand there for other reasons.
_HINTS = {
    OCSC: ("OCSC", "สำนักงาน ก.พ.", "สำนักงานคณะกรรมการข้าราชการพลเรือน", "Office of the Civil Service Commission"),
    THAI_MOOC: ("ThaiMOOC", "Thailand Massive Open Online Course", "มหาวิทยาลัยไซเบอร์ไทย", "Thailand Cyber University"),
    LOCAL_MOOC: ("LocalMOOC", "กรมส่งเสริมการปกครองท้องถิ่น", "Department of Local Administration"),
}


def _channel(text: Text, whole: str, round: Round) -> Read[str]:
    hosts = [host for host in map(_host, (*text.codes, *text.links)) if host]
    whole = _MAIL.sub(" ", whole)
    printed = [match.group().lower() for match in _HOST.finditer(whole)]
    whole = _HOST.sub(" ", whole)  # thaimooc.org.example.com is no Thai MOOC
    led = {one.code for one in round.channels if any(_within(host, one.url) for host in hosts)}
    shown = {one.code for one in round.channels if any(_within(host, one.url) for host in printed)}
    named = {one.code for one in round.channels if compiled(loose(one.name_en)).search(whole)}
    hinted = {
        one.code for one in round.channels if any(compiled(loose(h)).search(whole) for h in _HINTS.get(one.code, ()))
    }
    strong = led | shown | named
    if len(strong) == 1:
        # a picture's letters are not certain, its QR code is; a name beside another's words may be of a course
        certain = bool(led) or (not text.read and (bool(shown) or hinted <= strong))
        return _read(strong.pop(), certain=certain)
    for some in (led, shown, named, hinted):
        if len(some) == 1:
            return _read(next(iter(some)), certain=False)
    return Read()


def _host(address: str) -> str:
    try:
        parts = urlsplit(address if "//" in address else f"//{address}")
        return (parts.hostname or "").lower() if parts.scheme in ("", "http", "https") else ""
    except ValueError:
        return ""


def _within(host: str, url: str) -> bool:
    home = (urlsplit(url).hostname or "").removeprefix("www.")
    return host == home or host.endswith(f".{home}")
