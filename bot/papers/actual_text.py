"""The text of a page, with what its maker says it means. In the child only.

Thai that was shaped is drawn with glyphs that have no letter of their own: a tone mark that moved aside, half of
ำ. Chromium, Typst and others write beside them what they stand for (/ActualText: ISO 32000-1, 14.9.4), which pypdf does
not look at. So each such span becomes one string in a font of ours, whose codes are the letters themselves.
"""

from typing import Any

from pypdf import PageObject
from pypdf.generic import (
    ArrayObject,
    ByteStringObject,
    ContentStream,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    NumberObject,
)

_OURS = NameObject("/KP7-letters")
_SHOWS = {b"Tj", b"TJ", b"'", b'"'}
_MOST = 200  # letters of a span
# As wide as letters are, or a little more: what is too narrow leaves gaps, which are taken for spaces.
_WIDTH, _HALF, _NONE = 800, 500, 0
_NARROW = dict.fromkeys((3632, 3634, 3635, *range(3648, 3654), *range(32, 127)), _HALF)
_NARROW |= dict.fromkeys((3633, *range(3636, 3643), *range(3655, 3663)), _NONE)
_ROWS = (0x00, 0x01, 0x0E, 0x20, 0xF7)  # of Unicode: Latin, Thai, punctuation, and Thai in private use


def extracted(page: PageObject) -> str:
    """What pypdf raises over a damaged page is anything."""
    contents: Any = page.get("/Contents")
    if contents is None:
        return ""
    # bytes, as pypdf itself reads them for this: a string of its own would have lost the codes
    stream = ContentStream(contents.get_object(), page.pdf, "bytes")
    stream.operations, spans = _meant(stream.operations)
    if spans:
        page[NameObject("/Contents")] = stream
        resources: Any = page.get("/Resources")
        resources = DictionaryObject(resources.get_object() if resources is not None else {})
        fonts: Any = resources.get("/Font")
        resources[NameObject("/Font")] = DictionaryObject(fonts.get_object() if fonts is not None else {})
        resources["/Font"][_OURS] = _letters()
        page[NameObject("/Resources")] = resources
    return page.extract_text()


def _meant(operations: list[tuple[Any, bytes]]) -> tuple[list[tuple[Any, bytes]], int]:
    """→ what is done instead, and how many spans there were."""
    done: list[tuple[Any, bytes]] = []
    open_spans: list[str | None] = []  # what each is meant to say; empty once it was said
    font: Any = None
    spans = 0
    owed = (0.0, 0.0)  # how far one moved within a span: between its parts there is no gap
    for operands, operator in operations:
        if operator in (b"BDC", b"BMC"):
            open_spans.append(_says(operands) if operator == b"BDC" else None)
        elif operator == b"EMC" and open_spans:
            open_spans.pop()
        elif operator == b"Tf":
            font = operands
        elif operator == b"Td" and "" in open_spans:
            owed = (owed[0] + float(operands[0]), owed[1] + float(operands[1]))
            continue
        elif operator == b"Td" and any(owed):
            moved = [FloatObject(float(by) + more) for by, more in zip(operands, owed, strict=True)]
            done.append((moved, operator))
            owed = (0.0, 0.0)
            continue
        elif operator in (b"BT", b"Tm"):
            owed = (0.0, 0.0)
        elif operator in _SHOWS and font is not None:
            place = next((place for place, says in enumerate(open_spans) if says is not None), None)
            if place is not None:
                if says := open_spans[place]:
                    shown = ByteStringObject(says.encode("utf-16-be", "ignore"))
                    done += [([_OURS, font[1]], b"Tf"), ([shown], b"Tj"), (font, b"Tf")]
                    open_spans[place] = ""
                    spans += 1
                continue
        done.append((operands, operator))
    return done, spans


def _says(operands: Any) -> str | None:
    about = operands[1] if len(operands) == 2 else None
    says = about.get("/ActualText") if isinstance(about, DictionaryObject) else None
    if isinstance(says, bytes):
        says = says.decode("utf-16" if says[:2] in (b"\xfe\xff", b"\xff\xfe") else "latin-1", "ignore")
    return str(says)[:_MOST] if says is not None else None


def _letters() -> DictionaryObject:
    """A font whose codes are letters, two bytes each."""
    rows = "\n".join(f"<{row:02X}00> <{row:02X}FF> <{row:02X}00>" for row in _ROWS)
    letters = DecodedStreamObject()
    letters.set_data(
        f"begincmap\n1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
        f"{len(_ROWS)} beginbfrange\n{rows}\nendbfrange\nendcmap".encode()
    )
    widths = ArrayObject()
    for code, width in _NARROW.items():
        widths += [NumberObject(code), ArrayObject([NumberObject(width)])]
    outlines = _named(Type="/Font", Subtype="/CIDFontType2", BaseFont="/KP7")
    outlines[NameObject("/DW")], outlines[NameObject("/W")] = NumberObject(_WIDTH), widths
    font = _named(Type="/Font", Subtype="/Type0", BaseFont="/KP7", Encoding="/Identity-H")
    font[NameObject("/DescendantFonts")] = ArrayObject([outlines])
    font[NameObject("/ToUnicode")] = letters
    return font


def _named(**names: str) -> DictionaryObject:
    return DictionaryObject({NameObject(f"/{key}"): NameObject(name) for key, name in names.items()})
