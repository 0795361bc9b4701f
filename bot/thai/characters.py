"""What text is made of: digits, dashes, marks, spaces, and what does not show."""

import re
import unicodedata
from typing import Literal

import regex

from bot.events import Invalid

_THAI_DIGITS = "๐๑๒๓๔๕๖๗๘๙"
_TO_THAI = str.maketrans("0123456789", _THAI_DIGITS)
FROM_THAI = str.maketrans(_THAI_DIGITS, "0123456789")
_FULLWIDTH = {0xFF01 + i: 0x21 + i for i in range(94)}  # ！ to ～: what a Japanese or Chinese keyboard types
_FROM_ANY_DIGIT = FROM_THAI | {code: ascii for code, ascii in _FULLWIDTH.items() if 0x30 <= ascii <= 0x39}
_FROM_ANY_KEYBOARD = FROM_THAI | _FULLWIDTH

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
DASH = re.compile(f"[{_DASHES}]")
BETWEEN_DIGITS = re.compile(f"[\\s.·_{_DASHES}]+")

_TONES = "\u0e48-\u0e4b"
_NIKHAHIT_AA = re.compile(f"\u0e4d([{_TONES}]*)\u0e32")
_AM_BEFORE_TONE = re.compile(f"\u0e33([{_TONES}]+)")
_PLAIN = re.compile(r"[!-~\u0e01-\u0e5b]+(?: [!-~\u0e01-\u0e5b]+)*")
_RESPELT = re.compile(f"\u0e4d|\u0e33[{_TONES}]|เเ")

_MARKS = 4
_PILED = regex.compile(rf"\p{{M}}{{{_MARKS + 1}}}")

_LONGEST_NORMALISED = 10_000  # characters


def ascii_digits(text: str) -> str:
    """Thai and fullwidth digits become 0–9; everything else stays, superscripts and other scripts too."""
    return text.translate(_FROM_ANY_DIGIT)


def plain(text: str) -> str:
    """Thai digits, and all that a fullwidth keyboard types, as a plain one types them; everything else stays."""
    return text.translate(_FROM_ANY_KEYBOARD)


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
    return compose(normalised("NFC", compose(normalised("NFC", tidy(text)))))


def tidy(text: str) -> str:
    """Only what shows, single-spaced; the characters themselves are left as they came."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return _SPACES.sub(" ", _INVISIBLE.sub("", text)).strip()


def normalised(form: Literal["NFC", "NFKC"], text: str) -> str:
    return text if len(text) > _LONGEST_NORMALISED else unicodedata.normalize(form, text)


def compose(text: str) -> str:
    text = _NIKHAHIT_AA.sub("\\1\u0e33", text)
    return _AM_BEFORE_TONE.sub("\\1\u0e33", text).replace("เเ", "แ")


def legible(text: str) -> str:
    """The same words, which somebody else is to read. Raises `Invalid`: words_piled, where marks are heaped on a letter
    until they cover the lines around it. No language has more than `_MARKS` of them on one."""
    if _PILED.search(text):
        raise Invalid("words_piled")
    return text


def words_key(text: str) -> str:
    """A key under which two spellings of the same words are equal: no spaces, dots or dashes, no case, plain digits,
    fullwidth as plain."""
    return BETWEEN_DIGITS.sub("", folded(ascii_digits(text)))


def folded(text: str) -> str:
    """Cleaned, without case, and what only looks wider as what it is."""
    return clean(normalised("NFKC", normalised("NFKC", tidy(text)).casefold()))


def bounded(text: str, limit: int, refusal: Invalid) -> str:
    """Tidied text of at most `limit` characters. Bounds the work that anything below can be made to do."""
    if len(text) > 4 * limit:
        raise refusal
    text = tidy(text)
    if len(text) > limit:
        raise refusal
    return text
