"""What people type in Thai, made plain: digits, ID numbers, dates, names, addresses.

Pure functions. Whatever a person (or a spreadsheet) gives is either put into one canonical form or refused with
`Invalid`; no text, however odd, raises anything else. Whoever types `๑-๙๙๙๙-๐๐๐๐๐-๐๑-๓` on a phone, pastes an address
from a PDF or exports a CSV from an old system is right; it is these modules that have to cope.

Three rules hold throughout:

- Digits are looked up in tables of our own. `str.isdigit` and `\\d` also accept superscripts and twenty other scripts.
- NFKC is never the last step: it takes ำ apart into ํ + า, so that the same name would compare unequal.
- Nothing is guessed: of two readings the documented one is taken, and the caller echoes it in full words.

`characters.py` is what the others stand on; `numbers.py`, `dates.py`, `names.py` and `addresses.py` read one kind of
thing each. Others call them from here: `thai.national_id`.
"""

from bot.thai.addresses import email, mask_email
from bot.thai.characters import ascii_digits, clean, legible, thai_digits, words_key
from bot.thai.dates import (
    MONTHS_EN,
    MONTHS_TH,
    MONTHS_TH_SHORT,
    birth_date,
    format_date,
    format_time,
    parse_date,
)
from bot.thai.names import name_key, split_title
from bot.thai.numbers import check_digit, format_phone, laser_code, national_id, otp, phone

__all__ = [
    "MONTHS_EN",
    "MONTHS_TH",
    "MONTHS_TH_SHORT",
    "ascii_digits",
    "birth_date",
    "check_digit",
    "clean",
    "email",
    "format_date",
    "format_phone",
    "format_time",
    "laser_code",
    "legible",
    "mask_email",
    "name_key",
    "national_id",
    "otp",
    "parse_date",
    "phone",
    "split_title",
    "thai_digits",
    "words_key",
]
