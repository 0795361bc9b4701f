"""Weighs what a child said: it may have been taken over by the file that it read. Only shapes, sizes are believed."""

import hashlib
from dataclasses import dataclass
from typing import Any

from bot.papers import wire
from bot.papers.shapes import (
    CODE_MOST,
    CODES_MOST,
    LETTERS_MOST,
    READ_MOST,
    TEXT_PAGES,
    Bound,
    Limits,
    Paper,
    Photo,
    Picture,
    Reason,
    Refusal,
    Sheet,
    Stamped,
)

_JPEG, _PDF, _PNG = b"\xff\xd8\xff", b"%PDF-", b"\x89PNG"
_MOST = 2**53
_MOST_PIXELS = 20_000  # a side


class Answer:
    """Each thing asked for is what it must be; otherwise, at once or when asked, `wire.Nonsense`."""

    def __init__(self, message: bytes, files: int | None) -> None:
        """`files`: how many there must be, None: any. Raises `Refusal` where the child refused."""
        self._words, self._files = wire.unpack(message)
        if "refused" in self._words:
            try:
                reason = Reason(self._words["refused"])
            except (ValueError, TypeError):
                raise wire.Nonsense("no such reason") from None
            fault = self.value("fault")
            known = isinstance(fault, str) and fault.isascii() and fault.isidentifier() and len(fault) < 60
            why = fault if known else ""
            raise Refusal(reason, self.whole("found", 0, _MOST), self.whole("limit", 0, _MOST), why)
        if files is not None and len(self._files) != files:
            raise wire.Nonsense("another number of files")

    def value(self, name: str) -> Any:
        return self._words.get(name)

    def whole(self, name: str, least: int, most: int) -> int:
        return _whole(self.value(name), least, most)

    def listed(self, name: str, most: int) -> list[Any]:
        value = self.value(name)
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            raise wire.Nonsense(name)
        return value

    @property
    def files(self) -> int:
        return len(self._files)

    def file(self, place: int, begins: bytes, most: int) -> bytes:
        file = self._files[place]
        if not file.startswith(begins) or len(file) > most:
            raise wire.Nonsense("not the file that it should be")
        return file


def _whole(value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise wire.Nonsense("no number that could be")
    return value


def _sheet(value: Any, limits: Limits) -> Sheet:
    match value:
        case [int() | float() as width, int() | float() as height, bool(written)]:
            if all(limits.short_points <= side <= limits.side_points for side in (width, height)):
                return Sheet(float(width), float(height), written)
    raise wire.Nonsense("no page that could be")


def paper(message: bytes, question: bytes, limits: Limits) -> Paper:
    answer = Answer(message, 2)
    sheets = tuple(_sheet(value, limits) for value in answer.listed("pages", limits.pages))
    return Paper(
        pdf=answer.file(0, _PDF, limits.bytes),
        sha256=hashlib.sha256(question).hexdigest(),
        sheets=sheets,
        repaired=answer.value("repaired") is not False,
        preview=answer.file(1, _JPEG, limits.bytes),
    )


def photo(message: bytes, question: bytes, limits: Limits) -> Photo:
    answer = Answer(message, 1)
    return Photo(
        jpeg=answer.file(0, _JPEG, limits.bytes),
        sha256=hashlib.sha256(question).hexdigest(),
        width=answer.whole("width", 1, limits.long_pixels),
        height=answer.whole("height", 1, limits.long_pixels),
    )


def bound(message: bytes, pages: int, limits: Limits) -> Bound:
    answer = Answer(message, 1)
    return Bound(answer.file(0, _PDF, limits.bytes), answer.whole("pages", pages, pages))


def stamped(message: bytes, limits: Limits) -> Stamped:
    answer = Answer(message, 1)
    pages = tuple(_whole(page, 1, limits.pages) for page in answer.listed("pages", limits.pages))
    pdf = answer.file(0, _PDF, limits.bytes)
    return Stamped(pdf, hashlib.sha256(pdf).hexdigest(), pages)


def picture(message: bytes, limits: Limits) -> Picture:
    answer = Answer(message, 1)
    width, height = (answer.whole(side, 1, _MOST_PIXELS) for side in ("width", "height"))
    return Picture(answer.file(0, _JPEG, limits.bytes), width, height)


def drawn(message: bytes, limits: Limits) -> bytes:
    return Answer(message, 1).file(0, _PNG, limits.bytes)


def typeset(message: bytes, limits: Limits) -> bytes:
    return Answer(message, 1).file(0, _PDF, limits.bytes)


def searched(message: bytes, limits: Limits) -> list[bool | bytes | None]:
    """Of each page whether it says the words, or a picture of it."""
    answer = Answer(message, None)
    said = answer.listed("pages", limits.pages)
    if not all(one is None or isinstance(one, bool) for one in said):
        raise wire.Nonsense("neither yes nor no")
    if answer.files != said.count(False) or answer.files > READ_MOST:
        raise wire.Nonsense("another number of pictures")
    pictures = (answer.file(place, _PNG, limits.bytes) for place in range(answer.files))
    return [next(pictures) if one is False else one for one in said]


@dataclass(frozen=True)
class Extracted:
    """Of each page its text, or a picture of it; and addresses."""

    pages: list[str | bytes]
    codes: tuple[str, ...]
    links: tuple[str, ...]


def extracted(message: bytes, limits: Limits) -> Extracted:
    answer = Answer(message, None)
    said = answer.listed("texts", TEXT_PAGES)
    if not all(one is None or (isinstance(one, str) and len(one) <= LETTERS_MOST) for one in said):
        raise wire.Nonsense("no text that could be")
    if answer.files != said.count(None):
        raise wire.Nonsense("another number of pictures")
    pictures = (answer.file(place, _PNG, limits.bytes) for place in range(answer.files))
    return Extracted(
        pages=[next(pictures) if one is None else one for one in said],
        codes=_addresses(answer.value("codes")),
        links=_addresses(answer.value("links")),
    )


def _addresses(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > CODES_MOST or not all(isinstance(one, str) for one in value):
        raise wire.Nonsense("no addresses")
    plain = [one.strip() for one in value if len(one) <= CODE_MOST]
    return tuple(dict.fromkeys(one for one in plain if one and one.isascii() and one.isprintable()))
