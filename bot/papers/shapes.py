"""What goes into the room and what comes out, for callers, parent and child alike. Only the standard library."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

MIB = 1024 * 1024


class Reason(StrEnum):
    """Why a file is not taken. `Refused.found` and `.limit` hold the numbers named here."""

    NOT_A_PAPER = "not_a_paper"  # neither PDF nor, for a picture, JPEG, PNG or HEIC
    NOTHING = "nothing"  # no bytes, no pages, or nothing on any page (found: pages)
    LOCKED = "locked"  # encrypted: a password is needed to open it
    RESTRICTED = "restricted"  # encrypted by its owner: opens without a password, but forbids changes
    DAMAGED = "damaged"  # cannot be read as what it claims to be
    TOO_BIG = "too_big"  # bytes
    TOO_MANY_PAGES = "too_many_pages"  # pages
    TOO_LARGE = "too_large"  # longest side of a page, points
    TOO_MANY_PIXELS = "too_many_pixels"  # pixels of a picture
    TOO_SMALL = "too_small"  # a picture: its short side in pixels; a page: its short side in points
    TOO_MUCH_WORK = "too_much_work"  # took more memory or time than it may: a bomb, or as good as one
    UNREADABLE = "unreadable"  # the child died over it, or talked nonsense
    UNWRITABLE = "unwritable"  # a mark has letters that the font does not (found: how many)
    NO_SUCH_PAGE = "no_such_page"  # page asked for, pages there are
    INFECTED = "infected"  # clamd knows it
    NOT_SCANNED = "not_scanned"  # clamd was not to be had; try again later
    BUSY = "busy"  # too many are waiting; try again later (found: waiting)


@dataclass(frozen=True)
class Refused:
    reason: Reason
    found: int = 0
    limit: int = 0


class Refusal(Exception):
    """Not an error but an answer: carries a `Refused` up from the depths. Never leaves the room."""

    def __init__(self, reason: Reason, found: float = 0, limit: float = 0, why: str = "") -> None:
        """`why` is for the log: what became of the child."""
        super().__init__(reason)
        self.why = why
        self.refused = Refused(reason, int(found), int(limit))


@dataclass(frozen=True)
class Limits:
    """FILE1 and what follows from it."""

    bytes: int = 20 * MIB
    pages: int = 50
    pixels: int = 40_000_000
    jpeg_pixels: int = 52_000_000  # of a photo: a JPEG is unpacked at half its size or less (`photo.py`)
    side_points: int = 14_400  # ISO 32000-1, annex C: the longest side that viewers must bear
    short_points: int = 72  # of a page, at least
    short_pixels: int = 480  # of a photo, at least: below it the small print of a card is gone
    long_pixels: int = 2_200  # of a page made from a photo
    preview_pixels: int = 600  # FILE3
    # of a child
    memory: int = 512 * MIB
    cpu_seconds: int = 10
    seconds: float = 30.0  # by the clock: a child stands back behind others, and works a third of the time or less
    answer_bytes: int = 48 * MIB


LIMITS = Limits()
READ_MOST = 10  # pages of a paper that are drawn and read
# Of what is written on a paper, as `Papers.text` tells it.
TEXT_PAGES = 2
LETTERS_MOST = 8_000  # of a page: more stands on none
LINES_MOST = 200  # of all pages
LINE_MOST = 300  # letters
CODES_MOST = 8  # links, and QR codes
CODE_MOST = 500  # letters


@dataclass(frozen=True)
class Sheet:
    """One page as it is shown, turned upright: points (1/72 inch), and whether there is text or ink on it."""

    width: float
    height: float
    written: bool


@dataclass(frozen=True)
class Paper:
    """A PDF that was taken in: cleaned, looked through, and drawn once."""

    pdf: bytes
    sha256: str  # of the bytes that came in, hexadecimal
    sheets: tuple[Sheet, ...]
    repaired: bool  # it was damaged and could be mended: something may be missing, have it looked at
    preview: bytes  # JPEG of page 1

    @property
    def pages(self) -> int:
        return len(self.sheets)


@dataclass(frozen=True)
class Photo:
    """A photo that was made a page: an upright JPEG without anything but pixels."""

    jpeg: bytes
    sha256: str  # of the bytes that came in
    width: int
    height: int


@dataclass(frozen=True)
class Bound:
    """Pages bound into one PDF."""

    pdf: bytes
    pages: int


@dataclass(frozen=True)
class Stamped:
    pdf: bytes
    sha256: str  # of `pdf`
    pages: tuple[int, ...]  # which bear the mark, from 1


@dataclass(frozen=True)
class Picture:
    """A watermarked look at one page."""

    jpeg: bytes
    width: int
    height: int


@dataclass(frozen=True)
class Text:
    """What is written on the first pages of a paper, line by line, single-spaced, in letters that a mark could have
    (`WRITABLE`): nothing that is invisible, or turns the order of letters around. It is what the file says; who made it
    may have made it say something else than it shows.

    `read`: from a picture, by a program that takes one letter for another. `codes`: what QR codes say, `links`: where
    the file's links lead; both in plain ASCII.
    """

    lines: tuple[str, ...]
    read: bool = False
    codes: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


class Place(StrEnum):
    """Where at the foot of a page the mark goes. EMPTIEST looks for room, page by page."""

    EMPTIEST = "emptiest"
    LEFT = "left"
    MIDDLE = "middle"
    RIGHT = "right"


Stroke = tuple[tuple[float, float], ...]  # one line of a signature: points in any unit, y downwards

MAX_LINES = 12
MAX_LINE = 200  # characters
MAX_POINTS = 20_000
MAX_BOXES = 200
# What the font of marks has letters for: Latin with its marks, Thai, and the punctuation that people write.
WRITABLE = re.compile("[ -~\u00a0-\u017e\u0e01-\u0e3a\u0e3f-\u0e5b\u2013\u2014\u2018-\u201a\u201c-\u201e\u2022\u2026]")


def one_line(text: str) -> str:
    """As it is written in a mark: NFC, one line."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def unwritable(text: str) -> str:
    """Its letters that no mark can have."""
    return "".join(letter for letter in one_line(text) if not WRITABLE.fullmatch(letter))


@dataclass(frozen=True)
class Mark:
    """What is put on every page that bears anything: “สำเนาถูกต้อง”, the signature, then name, date and purpose.

    The words are the caller's, as is the calendar. ValueError where it is longer than a mark can be.
    """

    heading: str
    lines: tuple[str, ...] = ()
    signature: tuple[Stroke, ...] = ()
    place: Place = Place.EMPTIEST

    def __post_init__(self) -> None:
        if len(self.lines) > MAX_LINES or any(len(line) > MAX_LINE for line in (self.heading, *self.lines)):
            raise ValueError("more lines, or longer ones, than a mark has room for")
        points = [number for stroke in self.signature for point in stroke for number in point]
        if len(points) > 2 * MAX_POINTS or not all(isfinite(number) and abs(number) < 1e6 for number in points):
            raise ValueError("not the strokes of a signature")


@dataclass(frozen=True)
class Box:
    """What is to be blacked out: a part of a page (from 1) as it is shown, in fractions of its width and height."""

    page: int
    left: float
    top: float
    width: float
    height: float

    def __post_init__(self) -> None:
        if not all(0 <= number <= 1 for number in (self.left, self.top, self.width, self.height)):
            raise ValueError("a box is measured in fractions of its page, 0 to 1")


class Kind(StrEnum):
    PDF = "pdf"
    JPEG = "jpeg"
    PNG = "png"
    HEIC = "heic"


_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"mif1", b"hevc", b"hevx"}


def kind_of(data: bytes) -> Kind | None:
    """What a file is by its first bytes, whatever it is called; None for everything that no paper comes as."""
    if data.startswith(b"\xff\xd8\xff"):
        return Kind.JPEG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return Kind.PNG
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        return Kind.HEIC
    if data.find(b"%PDF-", 0, 1024) >= 0:  # viewers look that far, and mailers put lines before it
        return Kind.PDF
    return None
