"""Copies the pages of a PDF, and nothing but its pages, into a new one. In the child only.

An allow-list: of a page its picture (contents, resources, size), of a file its layers. Whatever acts (scripts, actions,
forms, media), hides (attachments) or tells (metadata, thumbnails, application data) hangs elsewhere and stays behind.
What a form or a note shows is drawn into the page first. Then whatever could still hide between the resources goes.
"""

import zlib
from collections.abc import Callable
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream

from bot.papers import contents, opening, pictures
from bot.papers.shapes import MIB, Reason, Refusal

PAGE = {"/Type", "/Contents", "/Resources", "/Group"}
# Nothing of this is needed to draw a page, wherever it hangs. A name that a font or a picture might bear is not here:
# what is an action is known by what it does.
BANNED = {
    *("/AA", "/AF", "/EF", "/EmbeddedFiles", "/JS", "/JavaScript", "/Metadata", "/OpenAction", "/PieceInfo"),
    *("/RichMedia", "/XFA"),
}
# Of a stream: its bytes, or what is drawn in its place, lie in another file; or it tells when it was made.
ELSEWHERE = {"/F", "/FFilter", "/FDecodeParms", "/Ref", "/OPI", "/LastModified", "/Alternates"}
_ACTIONS = {"/GoToE", "/GoToR", "/ImportData", "/JavaScript", "/Launch", "/Movie", "/Rendition", "/RichMediaExecute"}
ACTIONS = {*_ACTIONS, "/Sound", "/SubmitForm", "/URI"}
# What is of known shape keeps what belongs to it (ISO 32000-1, tables 33, 57, 75, 89, 95, 111 to 121), and no more.
RESOURCES = {"/ColorSpace", "/ExtGState", "/Font", "/Pattern", "/Properties", "/Shading", "/XObject"}
_STREAM = {"/DecodeParms", "/Filter", "/Length", "/Resources", "/Subtype", "/Type"}
IMAGE = {
    *_STREAM,
    *("/BitsPerComponent", "/ColorSpace", "/Decode", "/Height", "/ImageMask", "/Intent", "/Interpolate", "/Mask"),
    *("/Matte", "/OC", "/SMask", "/SMaskInData", "/Width"),
}
FORM = {*_STREAM, "/BBox", "/FormType", "/Group", "/Matrix", "/OC"}
TILES = {*_STREAM, "/BBox", "/Matrix", "/PaintType", "/PatternType", "/TilingType", "/XStep", "/YStep"}
FONT = {
    *("/BaseFont", "/CIDSystemInfo", "/CIDToGIDMap", "/CharProcs", "/DW", "/DW2", "/DescendantFonts", "/Encoding"),
    *("/FirstChar", "/FontBBox", "/FontDescriptor", "/FontMatrix", "/LastChar", "/Resources", "/Subtype", "/ToUnicode"),
    *("/Type", "/W", "/W2", "/Widths"),
}
GROUP = {"/CS", "/I", "/K", "/S", "/Type"}
# What a resource of a kind may be; PostScript (/PS) is drawn by no viewer and run by some printers.
XOBJECTS = (Name.Image, Name.Form)
PROPERTIES = (Name.OCG, Name.OCMD)  # layers; words and data for programs hang here as well
# Notes that put nothing on paper, and the flags (ISO 32000-1, table 165) of those that are not shown.
UNDRAWN = (Name.Link, Name.Popup, Name.Text, Name.Widget)
HIDDEN = 2 | 32
DEPTH = 100  # of one thing within another
UNPACKED = 256 * MIB  # of all that the file's streams hold when unpacked, pictures aside


def cleaned(pdf: Pdf) -> tuple[Pdf, bool]:
    """→ a new PDF with the pages of `pdf`, and whether it had to be mended: something that it showed may be missing.
    Raises `Refusal`."""
    damaged = not draw_notes(pdf)
    layers = pdf.Root.get("/OCProperties")
    pages = [page.obj for page in pdf.pages]
    for page in pages:
        _strip(page)
    new = Pdf.new()
    for page in pages:
        new.pages.append(pikepdf.Page(page))
    if isinstance(layers, Dictionary) and layers.is_indirect:
        new.Root["/OCProperties"] = new.copy_foreign(layers)
    elif isinstance(layers, Dictionary):
        new.Root["/OCProperties"] = new.copy_foreign(pdf.make_indirect(layers))
    damaged = _join_contents(new) or damaged
    damaged = _go_through(new) or damaged
    return new, damaged or bool(pdf.get_warnings())


def draw_notes(pdf: Pdf) -> bool:
    """What was filled into a form, signed or noted upon it is drawn into its page. False: some of it stays away, such
    as a signature of which only the way of the pen was written down."""
    try:
        if "/AcroForm" in pdf.Root:
            pdf.generate_appearance_streams()
        pdf.flatten_annotations("all")
    except (pikepdf.PdfError, RuntimeError, TypeError, ValueError):
        return False
    left = [note for page in pdf.pages for note in _listed(page.obj.get("/Annots"))]
    return not any(isinstance(note, Dictionary) and _shows(note) for note in left)


def _shows(note: Dictionary) -> bool:
    flags: Any = note.get("/F")
    return note.get("/Subtype") not in UNDRAWN and not (isinstance(flags, int) and flags & HIDDEN)


def _strip(page: Dictionary) -> None:
    left, bottom, right, top = opening.visible(page)
    degrees = opening.turned(page)
    resources = opening.inherited(page, "/Resources")
    opening.measured(page)
    for key in list(page.keys()):
        if key not in PAGE and key != "/Parent":
            del page[key]
    page["/Type"] = Name("/Page")
    page["/MediaBox"] = Array([left, bottom, right, top])
    page["/Resources"] = resources if isinstance(resources, Dictionary) else Dictionary()
    if degrees:
        page["/Rotate"] = degrees


def _join_contents(pdf: Pdf) -> bool:
    """Each page gets one stream, as a line may begin in one and end in the next; → whether some could not be read."""
    damaged, unpacked = False, 0
    for page in pdf.pages:
        if not isinstance(parts := page.obj.get("/Contents"), Array):
            continue
        joined = []
        for part in parts:
            try:
                joined.append(part.read_bytes() if isinstance(part, Stream) else b"")
            except pikepdf.PdfError:
                damaged = True
            unpacked += len(joined[-1]) if joined else 0
            if unpacked > UNPACKED:
                raise Refusal(Reason.TOO_MUCH_WORK, unpacked, UNPACKED)
        page.obj["/Contents"] = pdf.make_stream(zlib.compress(b"\n".join(joined)), Filter=Name.FlateDecode)
    return damaged


def _go_through(pdf: Pdf) -> bool:
    """Empties what is banned out of everything there is; → whether some of it could not be read."""
    damaged, unpacked = False, 0
    drawn = {page.obj.Contents.objgen for page in pdf.pages if isinstance(page.obj.get("/Contents"), Stream)}
    for thing in pdf.objects:
        drawn |= _empty(thing)
    for thing in list(pdf.objects):
        if isinstance(thing, Stream):
            size = _drawing(pdf, thing) if thing.objgen in drawn else _stream(pdf, thing)
            damaged = damaged or size is None
            unpacked += size or 0
            if unpacked > UNPACKED:
                raise Refusal(Reason.TOO_MUCH_WORK, unpacked, UNPACKED)
    return damaged


def _empty(thing: Any) -> set[tuple[int, int]]:
    """→ the streams met that are drawn like a page."""
    inside = [(thing, 0)]
    drawn: set[tuple[int, int]] = set()
    while inside:
        holder, depth = inside.pop()
        if depth > DEPTH:
            raise Refusal(Reason.TOO_MUCH_WORK, depth, DEPTH)
        if isinstance(holder, (Dictionary, Stream)):
            _only(holder)
            drawn.update(child.objgen for child in _drawn_by(holder) if isinstance(child, Stream))
            children: list[Any] = [holder.get(key) for key in holder.keys()]  # noqa: SIM118 - not a dict
        elif isinstance(holder, Array):
            children = list(holder)
        else:
            continue
        inside += [
            (child, depth + 1) for child in children if isinstance(child, (Array, Dictionary)) and not child.is_indirect
        ]
    return drawn


def _only(holder: Dictionary | Stream) -> None:
    banned = BANNED | (ELSEWHERE if isinstance(holder, Stream) else set())
    action = isinstance(kind := holder.get("/S"), Name) and str(kind) in ACTIONS
    known = _known(holder)
    for key in list(holder.keys()):
        if key in banned or (action and key != "/Type") or (known and key not in known):
            del holder[key]
    if isinstance(resources := holder.get("/Resources"), Dictionary):
        for key in set(resources.keys()) - RESOURCES:
            del resources[key]
        _keep(resources.get("/XObject"), lambda found: isinstance(found, Stream) and found.get("/Subtype") in XOBJECTS)
        _keep(resources.get("/Properties"), lambda found: found.get("/Type") in PROPERTIES)
    if isinstance(group := holder.get("/Group"), Dictionary):
        for key in set(group.keys()) - GROUP:
            del group[key]


def _keep(named: Any, fits: Callable[[Any], bool]) -> None:
    if isinstance(named, Dictionary):
        for key in list(named.keys()):
            found = named.get(key)
            if not isinstance(found, (Dictionary, Stream)) or not fits(found):
                del named[key]


def _known(holder: Dictionary | Stream) -> set[str] | None:
    if not isinstance(holder, Stream):
        return FONT if holder.get("/Type") == Name.Font and "/Subtype" in holder else None
    if holder.get("/Subtype") == Name.Image:
        return IMAGE
    if holder.get("/Subtype") == Name.Form:
        return FORM
    return TILES if holder.get("/PatternType") == 1 else None


def _drawn_by(holder: Dictionary | Stream) -> list[Any]:
    """Forms, tiles, letters of Type 3 fonts, and masks."""
    found: list[Any] = []
    if _known(holder) in (FORM, TILES):
        found.append(holder)
    if isinstance(letters := holder.get("/CharProcs"), Dictionary):
        found += [letters.get(key) for key in letters.keys()]  # noqa: SIM118
    if holder.get("/S") in (Name.Alpha, Name.Luminosity):
        found.append(holder.get("/G"))
    return found


def _drawing(pdf: Pdf, stream: Stream) -> int | None:
    """→ how much its contents unpack to, None where they do not unpack; they keep what they show."""
    try:
        unpacked = stream.read_bytes(pikepdf.StreamDecodeLevel.generalized)
    except pikepdf.PdfError:
        return None
    try:
        kept = contents.quiet(pdf, unpacked)
    except pikepdf.PdfError:
        raise Refusal(Reason.DAMAGED) from None
    stream.write(zlib.compress(kept), filter=Name.FlateDecode)
    return len(unpacked)


def _stream(pdf: Pdf, stream: Stream) -> int | None:
    """→ how much it unpacks to, None where it does not unpack; pictures are measured, and emptied of what they tell."""
    if stream.get("/Subtype") == Name("/Image"):
        pictures.measured(_whole(stream.get("/Width")), _whole(stream.get("/Height")))
    filters = _filters(stream)
    try:
        if filters and filters[-1] in pictures.BY_FILTER:
            _quiet(pdf, stream, filters)
            return 0
        if filters and filters[-1] in ("/JBIG2Decode", "/CCITTFaxDecode"):
            return 0
        return len(stream.read_bytes(pikepdf.StreamDecodeLevel.generalized))
    except pikepdf.PdfError:
        return None


def _quiet(pdf: Pdf, stream: Stream, filters: list[str]) -> None:
    parameters = _listed(stream.get("/DecodeParms"))
    picture = pictures.BY_FILTER[filters[-1]](_unwrapped(pdf, stream.read_raw_bytes(), filters[:-1], parameters))
    last = parameters[-1] if len(parameters) == len(filters) else None
    stream.write(picture, filter=Name(filters[-1]), decode_parms=last if isinstance(last, Dictionary) else None)


def _unwrapped(pdf: Pdf, data: bytes, filters: list[str], parameters: list[Any]) -> bytes:
    """A picture without what it is packed into besides. qpdf unpacks nothing that ends with a filter for pictures."""
    if not filters:
        return data
    wrapped = pdf.make_stream(data, Filter=Array([Name(name) for name in filters]))
    if len(parameters) > len(filters):
        wrapped["/DecodeParms"] = Array(parameters[: len(filters)])
    return wrapped.read_bytes(pikepdf.StreamDecodeLevel.generalized)


def _filters(stream: Stream) -> list[str]:
    value = stream.get("/Filter")
    short = {"/DCT": "/DCTDecode", "/CCF": "/CCITTFaxDecode"}
    return [short.get(str(name), str(name)) for name in _listed(value) if isinstance(name, Name)]


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Array) else [] if value is None else [value]


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
