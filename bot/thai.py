"""What people type in Thai, made plain: digits, ID numbers, dates, names, addresses.

Pure functions. Whatever a person (or a spreadsheet) gives is either put into one canonical form or refused with
`Invalid`; no text, however odd, raises anything else. Whoever types `๑-๙๙๙๙-๐๐๐๐๐-๐๑-๓` on a phone, pastes an address
from a PDF or exports a CSV from an old system is right; it is this module that has to cope.

Three rules hold throughout:

- Digits are looked up in tables of our own. `str.isdigit` and `\\d` also accept superscripts and twenty other scripts.
- NFKC is never the last step: it takes ำ apart into ํ + า, so that the same name would compare unequal.
- Nothing is guessed: of two readings the documented one is taken, and the caller echoes it in full words.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from bot.events import Invalid, Language

# --- characters -----------------------------------------------------------------------------------------------------

_THAI_DIGITS = "๐๑๒๓๔๕๖๗๘๙"
_TO_THAI = str.maketrans("0123456789", _THAI_DIGITS)
_FROM_THAI = str.maketrans(_THAI_DIGITS, "0123456789")
_FULLWIDTH = {0xFF01 + i: 0x21 + i for i in range(94)}  # ！ to ～: what a Japanese or Chinese keyboard types
_FROM_ANY_DIGIT = _FROM_THAI | {code: plain for code, plain in _FULLWIDTH.items() if 0x30 <= plain <= 0x39}

# Characters that show nothing: controls (Cc, except those that mean a space), formats (Cf: zero-width, bidi, BOM, soft
# hyphen), surrogates that lost their partner, and the fillers and selectors that Unicode files elsewhere. Written out,
# as looking up the category of every character of a large file is ten times slower; a test holds it to `unicodedata`.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160"
    "\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]+"
)
_SPACES = re.compile(r"\s+")

# A dash, within a character class: all of Unicode's Pd, and what else is typed for one (hyphen bullet, minus, long
# vowel mark, box-drawing line).
_DASHES = (
    "\\-\u058a\u05be\u1400\u1806\u2010-\u2015\u2043\u207b\u208b\u2212\u2500\u2501\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d"
    "\u301c\u3030\u30a0\u30fc\ufe31\ufe32\ufe58\ufe63\uff0d\uff70\U00010ead"
)
_DASH = re.compile(f"[{_DASHES}]")
_BETWEEN_DIGITS = re.compile(f"[\\s.·_{_DASHES}]+")

_TONES = "\u0e48-\u0e4b"
_NIKHAHIT_AA = re.compile(f"\u0e4d([{_TONES}]*)\u0e32")
_AM_BEFORE_TONE = re.compile(f"\u0e33([{_TONES}]+)")
_PLAIN = re.compile(r"[!-~\u0e01-\u0e5b]+(?: [!-~\u0e01-\u0e5b]+)*")
_RESPELT = re.compile(f"\u0e4d|\u0e33[{_TONES}]|เเ")

_LONGEST_NORMALISED = 10_000  # characters


def ascii_digits(text: str) -> str:
    """Thai and fullwidth digits become 0–9; everything else stays, superscripts and other scripts too."""
    return text.translate(_FROM_ANY_DIGIT)


def thai_digits(text: str) -> str:
    """0–9 become ๐–๙; everything else stays."""
    return text.translate(_TO_THAI)


def clean(text: str) -> str:
    """One line of text as it was meant: the first thing to do with anything that was typed.

    Invisible characters are gone, every run of white space is one plain space, the ends are trimmed, and what looks the
    same is spelt the same: NFC; ํ + า, with or without a tone mark between, is ำ; a tone mark stands before ำ, not
    after it; two เ are one แ. Never refuses. Beyond 10,000 characters NFC is left out: nobody types that, and its cost
    grows with the square of a run of marks.
    """
    if _PLAIN.fullmatch(text) and not _RESPELT.search(text) and unicodedata.is_normalized("NFC", text):
        return text  # nearly all text in a register: seven times faster than finding that out below
    return _compose(_normalised("NFC", _compose(_normalised("NFC", _tidy(text)))))


def _tidy(text: str) -> str:
    """Only what shows, single-spaced; the characters themselves are left as they came."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return _SPACES.sub(" ", _INVISIBLE.sub("", text)).strip()


def _normalised(form: Literal["NFC", "NFKC"], text: str) -> str:
    return text if len(text) > _LONGEST_NORMALISED else unicodedata.normalize(form, text)


def _compose(text: str) -> str:
    text = _NIKHAHIT_AA.sub("\\1\u0e33", text)
    return _AM_BEFORE_TONE.sub("\\1\u0e33", text).replace("เเ", "แ")


def _short(text: str, limit: int, refusal: Invalid) -> str:
    """Tidied text of at most `limit` characters. Bounds the work that anything below can be made to do."""
    if len(text) > 4 * limit:
        raise refusal
    text = _tidy(text)
    if len(text) > limit:
        raise refusal
    return text


def _only_digits(text: str, refusal: Invalid) -> str:
    """ASCII digits, out of text that holds nothing but digits, spaces, dashes and dots."""
    digits = _BETWEEN_DIGITS.sub("", ascii_digits(_short(text, 64, refusal)))
    if not re.fullmatch("[0-9]+", digits):
        raise refusal
    return digits


# --- numbers --------------------------------------------------------------------------------------------------------


def check_digit(first_twelve: str) -> str:
    """The thirteenth digit of a Thai ID number, from the twelve ASCII digits before it (weights 13 … 2, modulo 11)."""
    total = sum(weight * int(digit) for weight, digit in zip(range(13, 1, -1), first_twelve, strict=True))
    return str((11 - total % 11) % 10)


def national_id(text: str) -> str:
    """The 13 ASCII digits of a Thai ID number; takes Thai and fullwidth digits, spaces, dots and every kind of dash.

    Raises `Invalid`: `national_id_format` where there are not 13 digits, `national_id_checksum` where the last does not
    fit. A first digit of 0 or 9, which no card bears, is refused as a wrong checksum too, as python-stdnum does.
    """
    digits = _only_digits(text, Invalid("national_id_format"))
    if len(digits) != 13:
        raise Invalid("national_id_format")
    if digits[0] in "09" or digits[12] != check_digit(digits[:12]):
        raise Invalid("national_id_checksum")
    return digits


def laser_code(text: str) -> str:
    """The code on the back of the ID card as `JT1234567890`: two capitals, ten digits (printed grouped 3-7-2).

    Letter นร ๑๐๑๓.๓/๒๑๖ asks for it; its shape is an assumption of this project. Raises `Invalid("laser_format")`.
    """
    refusal = Invalid("laser_format")
    code = _BETWEEN_DIGITS.sub("", _short(text, 64, refusal).translate(_FROM_THAI | _FULLWIDTH))
    if not re.fullmatch("[A-Za-z]{2}[0-9]{10}", code):
        raise refusal
    return code.upper()


def otp(text: str, digits: int = 6) -> str:
    """The typed confirmation code as ASCII digits. Raises `Invalid("code_format", digits=…)`."""
    refusal = Invalid("code_format", digits=digits)
    code = _only_digits(text, refusal)
    if len(code) != digits:
        raise refusal
    return code


def phone(text: str, shortest: int = 9, longest: int = 10) -> str:
    """A Thai telephone number as ASCII digits with its leading 0; `+66` becomes that 0.

    Nine to ten digits is this project's own default. Raises `Invalid("phone_format", shortest=…, longest=…)`.
    """
    refusal = Invalid("phone_format", shortest=shortest, longest=longest)
    text = re.sub(r"[()]", " ", _short(text, 64, refusal).translate(_FULLWIDTH))
    text = re.sub(r"^\s*\+\s*66(?:\s*0(?=[\s\-]))?", "0", ascii_digits(text))
    digits = _only_digits(text, refusal)
    if not (digits.startswith("0") and shortest <= len(digits) <= longest):
        raise refusal
    return digits


def format_phone(digits: str) -> str:
    """`0810000000` → `081-000-0000`, `020000000` → `02-000-0000`, `053000000` → `053-000-000`; others unchanged."""
    if len(digits) == 9 and digits.startswith("02"):
        return f"{digits[:2]}-{digits[2:5]}-{digits[5:]}"
    if len(digits) in (9, 10):
        return f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"
    return digits


# --- dates and times ------------------------------------------------------------------------------------------------

_BE = 543  # Buddhist Era = Common Era + 543

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
    tokens, era = _date_era(_date_tokens(_short(text, 64, refusal)))
    day, month, year = _date_parts(tokens, refusal)
    if len(year) not in (2, 4) or len(day) > 2 or len(month) > 2 or (len(year) == 2 and era == "CE"):
        raise refusal
    number = int(year) + (2500 if len(year) == 2 else 0)
    # The era goes before the date is built: 29 Feb 2567 BE exists, 29 Feb 2567 CE does not.
    buddhist = era == "BE" or (era == "" and number >= 2400)
    try:
        return date(number - _BE if buddhist else number, int(month), int(day))
    except ValueError:
        raise Invalid("date_impossible") from None


def _date_tokens(text: str) -> list[str]:
    """Runs of digits, and what stands between them with separators taken out: `['1', 'ตคพศ', '2561']`."""
    text = _CLOCK.sub("", _DASH.sub("-", ascii_digits(_compose(text))).lower())
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
        return f"{day.day} {MONTHS_TH[day.month - 1]} {day.year + _BE}"
    return f"{day.day} {MONTHS_EN[day.month - 1]} {day.year}"


def format_time(moment: datetime, language: Language) -> str:
    """`14:05 น.` or `14:05`, as the clock of `moment` shows it: the caller brings it to Asia/Bangkok first."""
    return f"{moment:%H:%M} น." if language == "th" else f"{moment:%H:%M}"


# --- names ----------------------------------------------------------------------------------------------------------

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
    text = clean(_normalised("NFKC", _normalised("NFKC", _tidy(text)).casefold()))
    for _ in range(_MOST_TITLES):
        if found := _without_title(text, both_parts=True, clear_only=False):
            text = found[1]
    return _BETWEEN_DIGITS.sub("", text)


# --- e-mail ---------------------------------------------------------------------------------------------------------

_LOCAL = re.compile(r"[a-z0-9_][a-z0-9_+&'\-]*(?:\.[a-z0-9_+&'\-]+)*")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


def email(text: str) -> str:
    """An e-mail address in lower case, ASCII only, at most 254 characters (64 before the @; RFC 5321).

    Thai digits are taken for digits. Look-alikes (Kelvin sign, dotless ı, Cyrillic, fullwidth, an `xn--` domain) are
    refused, not mended: the address decides who gets the codes. Quoted local parts and rare signs are refused too, as
    nothing that could be a command, a formula or a header in mail, shell or spreadsheet may pass.

    Raises `Invalid`: `email_ascii`, `email_format`.
    """
    refusal = Invalid("email_format")
    address = _short(text, 1000, refusal).translate(_FROM_THAI)
    if not address.isascii():
        raise Invalid("email_ascii")
    local, _, domain = address.lower().partition("@")
    if len(address) > 254 or len(local) > 64 or not (_LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain)):
        raise refusal
    if any(label.startswith("xn--") for label in domain.split(".")):
        raise Invalid("email_ascii")
    return f"{local}@{domain}"


def mask_email(address: str) -> str:
    """The address as a stranger may see it: the first three characters before the @ are XXX, and never fewer.

    `XXXporn.j@ocsc.go.th` is how letter นร ๑๐๑๓.๓/๒๑๖ shows it; three or fewer become exactly `XXX` (own default).
    """
    local, at, domain = address.rpartition("@")
    return f"XXX{local[3:]}{at}{domain}" if at else f"XXX{domain[3:]}"
