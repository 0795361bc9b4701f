"""Names of folders and files that Windows, macOS and Linux take alike, from whatever people and units are called. Pure.

Nothing in them leads elsewhere (no separator, no drive, no `..`), steers a terminal or the order of letters, or is a
formula to a spreadsheet that is shown it.
"""

import re

import regex

from bot import thai

LONGEST = 50  # code points of a part: three of them, with what stands beside, stay below the 260 of a Windows path
# What makes a formula of a cell, and what a spreadsheet may take for it: fullwidth, small, raised, lowered, minus.
ACTIVE = "=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207a\u207b\u207c\u208a\u208b\u208c\u2212"
_FORBIDDEN = re.compile(r'[<>:"/\\|?*;]')  # the last as a spreadsheet may cut a cell there
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE)
_GRAPHEME = regex.compile(r"\X")


def part(text: str, longest: int = LONGEST) -> str:
    """One folder's or file's name, without an ending; never empty."""
    shown = "".join(char if char.isprintable() else "-" for char in _FORBIDDEN.sub("-", thai.clean(text)))
    name = cut(shown.lstrip(f". {ACTIVE}"), longest).rstrip(". ")
    return f"_{name}" if not name or _RESERVED.fullmatch(name) else name


def cut(text: str, longest: int) -> str:
    """Between two graphemes, so that no vowel or tone mark stands alone."""
    if len(text) <= longest:
        return text
    end = 0
    for found in _GRAPHEME.finditer(text):
        if found.end() > longest:
            break
        end = found.end()
    return text[: end or longest]  # a single grapheme of dozens of marks is nobody's name
