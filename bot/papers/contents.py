"""What is written in contents besides what they show, taken out: comments, notes for other readers, notes in pictures.

An allow-list of ISO 32000-1, annex A: of what draws, just the operands that it takes. In the child only.
"""

import re
from decimal import Decimal
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Operator, Pdf, String

from bot.papers import pictures

# How many operands each takes, at most.
_TAKES = {
    **dict.fromkeys(("b", "B", "b*", "B*", "f", "F", "f*", "h", "n", "s", "S", "W", "W*"), 0),
    **dict.fromkeys(("BT", "ET", "BX", "EX", "EMC", "q", "Q", "T*"), 0),
    **dict.fromkeys(("cs", "CS", "Do", "g", "G", "gs", "i", "j", "J", "M", "ri", "sh", "w"), 1),
    **dict.fromkeys(("Tc", "TL", "Tr", "Ts", "Tw", "Tz", "Tj", "'", "TJ"), 1),
    **dict.fromkeys(("d", "d0", "l", "m", "Td", "TD", "Tf"), 2),
    **dict.fromkeys(("rg", "RG", '"'), 3),
    **dict.fromkeys(("k", "K", "re", "v", "y"), 4),
    **dict.fromkeys(("c", "cm", "d1", "Tm"), 6),
    **dict.fromkeys(("sc", "SC", "scn", "SCN"), 33),  # annex C: the components of a colour, and a pattern
}
_SAYS = {"Tj", "TJ", "'", '"'}
_NAMES = {"cs", "CS", "Do", "gs", "ri", "scn", "SCN", "sh", "Tf"}
_LISTS = {"d", "TJ"}
# What is no number by the book, but for those who show it.
_NUMBER = re.compile(r"[-+]*[.0-9][-+.0-9]*")
# In a list: what could be a comment, a name, or another list.
_MORE = re.compile(rb"[%/]|<<|\[.*\[", re.DOTALL)
_SHORT = {
    "/BitsPerComponent": "/BPC",
    "/ColorSpace": "/CS",
    "/Decode": "/D",
    "/DecodeParms": "/DP",
    "/Filter": "/F",
    "/Height": "/H",
    "/Interpolate": "/I",
    "/ImageMask": "/IM",
    "/Width": "/W",
}
_INLINE = {*_SHORT.values(), "/Intent"}
_LONG_FILTERS = {
    "/A85": Name.ASCII85Decode,
    "/AHx": Name.ASCIIHexDecode,
    "/Fl": Name.FlateDecode,
    "/LZW": Name.LZWDecode,
    "/RL": Name.RunLengthDecode,
}
PARAMETERS = {
    *("/BitsPerComponent", "/BlackIs1", "/Colors", "/ColorTransform", "/Columns", "/DamagedRowsBeforeError"),
    *("/EarlyChange", "/EncodedByteAlign", "/EndOfBlock", "/EndOfLine", "/JBIG2Globals", "/K", "/Predictor", "/Rows"),
}


def quiet(pdf: Pdf, contents: bytes) -> bytes:
    """→ the same drawing. Raises `pikepdf.PdfError` and `Refusal`."""
    reader = _Reader(pdf, contents)
    pikepdf.Object._parse_stream(pdf.make_stream(contents), reader)
    return b"\n".join(reader.kept)


class _Reader(pikepdf.StreamParser):
    """Copies line by line: millions of lines would not fit into memory as objects."""

    def __init__(self, pdf: Pdf, contents: bytes) -> None:
        super().__init__()
        self.kept: list[bytes] = []
        self._pdf, self._contents = pdf, contents
        self._operands: list[tuple[Any, bytes]] = []

    def handle_object(self, thing: Any, offset: int, length: int, /) -> None:
        written = self._contents[offset : offset + length]
        if not isinstance(thing, Operator):
            self._operands.append((thing, written))
            return
        name = str(thing)
        if name in _TAKES:
            self._does(name)
        elif name == "ID":
            return
        elif name == "EI":
            self._shows()
        elif name in ("BMC", "BDC"):
            self._begins()
        elif _NUMBER.fullmatch(name):
            self._operands.append((0, written))
            return
        self._operands.clear()

    def handle_eof(self) -> None:
        """What nothing is done with is not kept."""

    def _does(self, name: str) -> None:
        most = _TAKES[name]
        parts = [_operand(name, *operand) for operand in self._operands[-most:]] if most else []
        self.kept.append(b" ".join((*filter(None, parts), name.encode())))

    def _begins(self) -> None:
        """Of what is marked, only layers are shown or not."""
        things = [thing for thing, _ in self._operands[-2:]]
        if len(things) == 2 and things[0] == Name.OC and isinstance(things[1], Name):
            self.kept.append(b"/OC %s BDC" % things[1].unparse())
        else:
            self.kept.append(b"/Span BMC")

    def _shows(self) -> None:
        """A picture within the contents: keys and values, then its bytes."""
        if len(self._operands) % 2 == 0:
            return
        *pairs, (_, data) = self._operands
        about: dict[str, bytes] = {}
        values: dict[str, Any] = {}
        for (key, _), (value, written) in zip(pairs[::2], pairs[1::2], strict=True):
            name = _SHORT.get(str(key), str(key))
            if isinstance(key, Name) and name in _INLINE:
                values[name] = value
                about[name] = value.unparse() if isinstance(value, pikepdf.Object) else written
        width, height = (values.get(key, 0) for key in ("/W", "/H"))
        if isinstance(width, int) and isinstance(height, int):
            pictures.measured(width, height)
        filters = _listed(values.get("/F"))
        parameters = _listed(values.get("/DP"))
        for parameter in parameters:
            _only(parameter, PARAMETERS)
        if "/DP" in about:
            about["/DP"] = values["/DP"].unparse() if isinstance(values["/DP"], pikepdf.Object) else b"null"
        if filters and filters[-1] in (Name.DCT, Name.DCTDecode):
            try:
                data = pictures.of_jpeg(self._unpacked(data, filters[:-1]))
            except pikepdf.PdfError:
                return
            about["/F"] = b"/DCT"
            last = parameters[-1] if parameters else None
            about["/DP"] = last.unparse() if isinstance(last, Dictionary) else b"null"
        lines = [key.encode() + b" " + value for key, value in about.items()]
        self.kept.append(b"\n".join((b"BI", *lines, b"ID " + data.removesuffix(b"\n"), b"EI")))

    def _unpacked(self, data: bytes, filters: list[Any]) -> bytes:
        if not filters:
            return data
        stream = self._pdf.make_stream(data, Filter=Array([_LONG_FILTERS.get(str(one), one) for one in filters]))
        return stream.read_bytes(pikepdf.StreamDecodeLevel.generalized)


def _operand(name: str, thing: Any, written: bytes) -> bytes | None:
    if isinstance(thing, (int, Decimal)):
        return written
    if isinstance(thing, String):
        return written if name in _SAYS else None
    if isinstance(thing, Name):
        return written if name in _NAMES else None
    if isinstance(thing, Array) and name in _LISTS:
        if not _MORE.search(written):
            return written
        kinds = (int, Decimal, String) if name in _SAYS else (int, Decimal)
        return Array([one for one in thing if isinstance(one, kinds)]).unparse()
    return None


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Array) else [] if value is None else [value]


def _only(thing: Any, keys: set[str]) -> None:
    if isinstance(thing, Dictionary):
        for key in set(thing.keys()) - keys:
            del thing[key]
