"""Values of LINE's messages: what a property may be (pure).

A check takes (value, where it stands) and yields problems; an object's check is a table of its properties' checks.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping

import regex

Problem = tuple[str, str]  # property path as LINE writes it (`messages[0].text`), what is wrong there
Check = Callable[[object, str], Iterator[Problem]]


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def graphemes(text: str) -> int:
    return len(regex.findall(r"\X", text))


def json_bytes(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


def text(least: int, most: int, measure: Callable[[str], int] = utf16) -> Check:
    def check(value: object, at: str) -> Iterator[Problem]:
        if not isinstance(value, str):
            yield at, "must be a string"
        elif least and not value.strip():
            yield at, "may not be empty"
        elif not least <= measure(value) <= most:
            yield at, f"length must be between {least} and {most}"

    return check


def label(most: int) -> Check:
    return text(1, most, graphemes)


def pattern(pattern: str, words: str) -> Check:
    compiled = re.compile(pattern)

    def check(value: object, at: str) -> Iterator[Problem]:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            yield at, f"must be {words}"

    return check


def one_of(*values: str) -> Check:
    def check(value: object, at: str) -> Iterator[Problem]:
        if value not in values:
            yield at, f"must be one of the following values: [{', '.join(values)}]"

    return check


def size(*keywords: str, unit: str) -> Check:
    """One of the keywords, or a number of the units (`px`, `px|%`)."""
    either = "|".join((*map(re.escape, keywords), rf"[0-9]+(\.[0-9]+)?({unit})"))
    return pattern(either, f"one of {', '.join((*keywords, ''))}or a number with {unit}")


def whole(least: int, most: int) -> Check:
    def check(value: object, at: str) -> Iterator[Problem]:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            yield at, f"must be a whole number between {least} and {most}"

    return check


def number(least: float, most: float) -> Check:
    def check(value: object, at: str) -> Iterator[Problem]:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            yield at, f"must be a number between {least} and {most}"

    return check


def boolean(value: object, at: str) -> Iterator[Problem]:
    if not isinstance(value, bool):
        yield at, "must be true or false"


def array(item: Check, least: int, most: int) -> Check:
    def check(value: object, at: str) -> Iterator[Problem]:
        if not isinstance(value, list):
            yield at, "must be an array"
        elif not least <= len(value) <= most:
            yield at, f"size must be between {least} and {most}"
        else:
            for index, inner in enumerate(value):
                yield from item(inner, f"{at}[{index}]")

    return check


def properties(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    known = {**required, **(optional or {})}

    def check(value: object, at: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield at, "must be an object"
            return
        for name in required:
            if name not in value:
                yield f"{at}.{name}", "must be specified"
        for name, inner in value.items():
            if name in known:
                yield from known[name](inner, f"{at}.{name}")
            else:
                yield f"{at}.{name}", "unknown property"

    return check


def tagged(checks: Mapping[str, Check]) -> Check:
    """An object whose `type` says which of the checks it must pass."""

    def check(value: object, at: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield at, "must be an object"
            return
        kind = value.get("type")
        if not isinstance(kind, str) or kind not in checks:
            yield f"{at}.type", f"must be one of the following values: [{', '.join(checks)}]"
            return
        yield from checks[kind]({name: inner for name, inner in value.items() if name != "type"}, at)

    return check


def anything(_value: object, _at: str) -> Iterator[Problem]:
    yield from ()


def a_list(value: object, at: str) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield at, "must be an array"


def both(*checks: Check) -> Check:
    def check(value: object, at: str) -> Iterator[Problem]:
        for one in checks:
            yield from one(value, at)

    return check


def line_id(letters: str) -> Check:
    return pattern(rf"[{letters}][0-9a-f]{{32}}", f"an id: {' or '.join(letters)} and 32 hexadecimal digits")


url = both(text(1, 2_000), pattern(r"https://[!-~]+", "an https address"))
color = pattern("#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?", "a colour: #RRGGBB or #RRGGBBAA")
