"""JSON from outside: what a careful reader refuses, refused before it means anything (rule WH2 of docs/security.md)."""

import json
from typing import Any

DEPTH = 32


class Malformed(ValueError):
    """Not JSON that we take: bad UTF-8, NaN, a key twice, a lone surrogate, NUL, too deep, too long a number."""


def parse(body: bytes) -> Any:
    try:
        text = body.decode("utf-8")
        if body.count(b"[") + body.count(b"{") > DEPTH and _too_deep(text):
            raise Malformed("depth")
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError, ValueError) as error:
        raise Malformed(type(error).__name__) from None
    if b"\\u" in body:  # only an escape can bring what UTF-8 and the parser refuse to take as it is
        _check(value)
    return value


def _too_deep(text: str) -> bool:
    """Counted before parsing, so that a body of brackets never reaches a recursive parser. Strings are skipped."""
    depth, inside, escaped = 0, False, False
    for char in text:
        if inside:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                inside = False
        elif char == '"':
            inside = True
        elif char in "[{":
            depth += 1
            if depth > DEPTH:
                return True
        elif char in "]}":
            depth -= 1
    return False


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a key twice")
    return found


def _refuse(name: str) -> Any:
    raise Malformed(name)


def _check(value: Any) -> None:
    match value:
        case str():
            if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
                raise Malformed("a character that no text has")
        case dict():
            for key, inner in value.items():
                _check(key)
                _check(inner)
        case list():
            for inner in value:
                _check(inner)
