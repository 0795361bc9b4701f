"""E-mail addresses: which are taken, and how a stranger sees one."""

import re

from bot.events import Invalid
from bot.thai.characters import FROM_THAI, bounded

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
    address = bounded(text, 1000, refusal).translate(FROM_THAI)
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
