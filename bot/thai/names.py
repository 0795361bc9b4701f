"""Titles and names: what stands before a name, and whether two spellings are one name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.thai.characters import BETWEEN_DIGITS, clean, folded

# Each line one family; `เอก โท ตรี` and their initials fill the braces. Ranks may carry ว่าที่ before and หญิง after.
_RANKS_IN_WORDS = (
    "พล{} พัน{} ร้อย{} จ่าสิบ{} สิบ{}",
    "พลเรือ{} นาวา{} เรือ{} พันจ่า{} จ่า{}",
    "พลอากาศ{} นาวาอากาศ{} เรืออากาศ{} พันจ่าอากาศ{} จ่าอากาศ{}",
    "พลตำรวจ{} พันตำรวจ{} ร้อยตำรวจ{} สิบตำรวจ{}",
    "นายกอง{} นายหมวด{} นายหมู่{}",  # volunteer defence corps: common in the Ministry of Interior
)
_RANKS_IN_LETTERS = (
    "พล.{} พ.{} ร.{} จ.ส.{} ส.{}",
    "พล.ร.{} น.{} พ.จ.{} จ.{}",
    "พล.อ.{} พ.อ.{}",
    "พล.ต.{} พ.ต.{} ร.ต.{} ส.ต.{}",
    "มว.{} ม.ว.{}",
)
_OTHER_RANKS = (
    "พันเอกพิเศษ พันเอก(พิเศษ) พ.อ.(พิเศษ) นาวาเอกพิเศษ นาวาเอก(พิเศษ) น.อ.(พิเศษ) นาวาอากาศเอกพิเศษ นาวาอากาศเอก(พิเศษ)",
    "พันตำรวจเอกพิเศษ พันตำรวจเอก(พิเศษ) พ.ต.อ.(พิเศษ) ดาบตำรวจ จ่าสิบตำรวจ ด.ต. จ.ส.ต. พลทหาร พลตำรวจ",
)
_TITLES = (
    "นาย นาง นางสาว น.ส. เด็กชาย เด็กหญิง ด.ช. ด.ญ.",
    "หม่อมเจ้า หม่อมราชวงศ์ หม่อมหลวง ม.จ. ม.ร.ว. ม.ล. คุณหญิง ท่านผู้หญิง",
    "ศาสตราจารย์ รองศาสตราจารย์ ผู้ช่วยศาสตราจารย์ ศ. รศ. ผศ. ศ.ดร. รศ.ดร. ผศ.ดร. อาจารย์ ดร. ดอกเตอร์ ด็อกเตอร์",
    "นายแพทย์ แพทย์หญิง นพ. พญ. ทันตแพทย์ ทันตแพทย์หญิง ทพ. ทพญ. เภสัชกร เภสัชกรหญิง ภก. ภญ.",
    "นายสัตวแพทย์ สัตวแพทย์หญิง น.สพ. สพ.ญ.",
)
# Taken for a title only where a space or a dot ends it: too many names begin with these letters (คุณากร, Drew, Missy).
_SPACED_TITLES = ("คุณ", "Mr.", "Mrs.", "Miss", "Ms.", "Dr.", "Prof.", "Asst. Prof.", "Assoc. Prof.")
_SPACED_RANKS = ("Acting Sub Lt.", "Sub Lt.")
_ACTING = re.compile(r"ว่าที่\s*")
_MOST_TITLES = 6  # in a row; bounds the work on text that repeats one for ever
_FEMALE = re.compile(r"\s*หญิง")


@dataclass(frozen=True, slots=True)
class _Title:
    text: str
    stem: str  # a literal start, in lower case: the cheap test before the pattern
    pattern: re.Pattern[str]
    rank: bool
    spaced: bool


def _title(text: str, rank: bool, spaced: bool) -> _Title:
    # Spaces may follow any dot or precede a bracket, and the last dot may be missing before a space.
    inner = r"\s*".join(re.escape(part) for part in re.split(r"(?<=\.)\s*|\s+|(?=\()", text.removesuffix(".")) if part)
    end = r"(?:\.|(?=\s))" if text.endswith(".") else ""
    stem = re.split(r"[.\s]", text)[0].lower()
    return _Title(text, stem, re.compile(inner + end, re.IGNORECASE), rank, spaced)


def _title_table() -> dict[str, tuple[_Title, ...]]:
    """All titles by their first letter, the longest first."""
    ranks = [form.format(step) for line in _RANKS_IN_WORDS for form in line.split() for step in ("เอก", "โท", "ตรี")]
    ranks += [form.format(step) for line in _RANKS_IN_LETTERS for form in line.split() for step in ("อ.", "ท.", "ต.")]
    ranks += [text for line in _OTHER_RANKS for text in line.split()]
    titles = [_title(text, rank=True, spaced=False) for text in dict.fromkeys(ranks)]
    titles += [_title(text, rank=False, spaced=False) for line in _TITLES for text in line.split()]
    titles += [_title(text, rank=False, spaced=True) for text in _SPACED_TITLES]
    titles += [_title(text, rank=True, spaced=True) for text in _SPACED_RANKS]
    table: dict[str, list[_Title]] = {}
    for title in sorted(titles, key=lambda title: -len(title.text)):
        table.setdefault(title.text[0].lower(), []).append(title)
    return {letter: tuple(group) for letter, group in table.items()}


_TITLE_TABLE = _title_table()


def _ends_clearly(name: str, length: int) -> bool:
    """Whether the first `length` characters end with a dot or bracket, or before a space."""
    return name[length - 1] in ".)" or name[length : length + 1] == " "


def _title_matches(name: str) -> Iterator[tuple[str, int, bool]]:
    """The titles that `name` may begin with, longest first: our spelling, the length in `name`, and whether it is in
    doubt even before a space (`ร.ต. หญิง ทดสอบ`: is หญิง the first name?)."""
    acting = _ACTING.match(name)
    start = acting.end() if acting else 0
    lower = name[start : start + 40].lower()
    for title in _TITLE_TABLE.get(lower[:1], ()):
        if (acting and not title.rank) or not lower.startswith(title.stem):
            continue
        if not (found := title.pattern.match(name, start)):
            continue
        spelt = title.text
        if acting:
            spelt = f"ว่าที่ {spelt}" if spelt.endswith(".") else f"ว่าที่{spelt}"
        if title.rank and (female := _FEMALE.match(name, found.end())):
            yield f"{spelt}หญิง", female.end(), name[found.end()] == " "
        if not title.spaced or _ends_clearly(name, found.end()):
            yield spelt, found.end(), False


def _without_title(name: str, *, both_parts: bool, clear_only: bool) -> tuple[str, str] | None:
    """One title off the front of a cleaned name, or None.

    `both_parts`: only where a first and a last name remain. `clear_only`: only where a dot or a space ends the title.
    """
    for title, length, doubtful in _title_matches(name):
        rest = name[length:].lstrip()
        # A name begins with a letter, and not with a vowel that must lean on one: นาง + าม is not title and name.
        if not rest or not rest[0].isalpha() or rest[0] in "ะาำๅ":
            continue
        clear = _ends_clearly(name, length)
        first, _, last = rest.partition(" ")
        if last and (clear or (len(first) > 1 and not clear_only)):
            return title, rest
        if clear and not (last or both_parts or doubtful):
            return title, rest
    return None


def split_title(name: str) -> tuple[str, str]:
    """A name's title and the rest: `นางสาวปรียา ใจตัวอย่าง` → `("นางสาว", "ปรียา ใจตัวอย่าง")`; no title → `("", name)`.

    The longest title that fits is taken (ว่าที่ ร.ต.หญิง before ว่าที่ ร.ต., นางสาว before นาง), spelt as in our table,
    and further ones after it (`นาย ดร.…` → `นาย ดร.`) while two words remain. A title that ends with a dot or a space
    is one. A title glued to what follows is one only if a first and a last name remain: `นายรุ่ง ทดสอบ` is split,
    `นายรุ่ง` is not, nor `นางาม ทดสอบ`, `ดรุณี ทดสอบ`, `คุณากร ทดสอบ`. The price: whoever is truly called `นางพญา ใจดี`
    loses นาง, `พลเอก ใจดี` loses พลเอก, and `นางสาวดี ใจดี` is read as นางสาว + ดี. So compare names as they were typed
    through `name_key`, which treats both sides alike, and never split a name beside a filled title column.
    """
    name = clean(name)
    titles: list[str] = []
    for _ in range(_MOST_TITLES):
        again = bool(titles)
        if found := _without_title(name, both_parts=again, clear_only=again):
            titles.append(found[0])
            name = found[1]
    return " ".join(titles), name


def name_key(text: str) -> str:
    """A key under which two spellings of one full name are equal: `นาย รุ่ง  ทดสอบ`, `นายรุ่ง ทดสอบ`, `รุ่ง ทดสอบ`.

    No titles (as long as a first and a last name remain), no spaces, dots or dashes, no case, fullwidth as plain. Make
    the register's key from title, first and last name together and the typed one from what was typed, then compare for
    equality: near is not equal. A glued title that could be part of the name falls away on both sides.
    """
    text = folded(text)
    for _ in range(_MOST_TITLES):
        if found := _without_title(text, both_parts=True, clear_only=False):
            text = found[1]
    return BETWEEN_DIGITS.sub("", text)
