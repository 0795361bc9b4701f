"""ID numbers, laser codes, mailed codes and telephone numbers, as ASCII digits."""

import re

from bot.events import Invalid
from bot.thai.characters import BETWEEN_DIGITS, ascii_digits, bounded, plain


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
    code = BETWEEN_DIGITS.sub("", plain(bounded(text, 64, refusal)))
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
    text = re.sub(r"[()]", " ", plain(bounded(text, 64, refusal)))
    text = re.sub(r"^\s*\+\s*66(?:\s*0(?=[\s\-]))?", "0", text)
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


def _only_digits(text: str, refusal: Invalid) -> str:
    """ASCII digits, out of text that holds nothing but digits, spaces, dashes and dots."""
    digits = BETWEEN_DIGITS.sub("", ascii_digits(bounded(text, 64, refusal)))
    if not re.fullmatch("[0-9]+", digits):
        raise refusal
    return digits
