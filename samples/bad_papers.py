"""Files that must be refused, or taken without what hangs on them. Used by `make_papers.py`."""

import struct
import zlib
from io import BytesIO

import pikepdf
from pikepdf import Array, Dictionary, Encryption, Name, Pdf, Stream, String


def _saved(pdf: Pdf, **how: object) -> bytes:
    out = BytesIO()
    pdf.save(out, **how)  # type: ignore[arg-type]
    return out.getvalue()


def locked(paper: bytes) -> bytes:
    """Opens with the password 1234 only. (Encryption is salted: these two files differ each time.)"""
    return _saved(pikepdf.open(BytesIO(paper)), encryption=Encryption(user="1234", owner="5678"))


def restricted(paper: bytes) -> bytes:
    """Opens without a password, but its owner forbids changes."""
    return _saved(pikepdf.open(BytesIO(paper)), encryption=Encryption(user="", owner="5678"))


def truncated(paper: bytes, share: float) -> bytes:
    return paper[: int(len(paper) * share)]


def active(paper: bytes, photo: bytes) -> bytes:
    """Everything that a paper must not do: scripts, programs, attachments, a form, media, notes, a told place."""
    pdf = pikepdf.open(BytesIO(paper))
    script = Dictionary(S=Name.JavaScript, JS=String("app.alert('kp7-script')"))
    pdf.Root.OpenAction = script
    pdf.Root.AA = Dictionary(WC=script)
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("kp7-script"), script])))
    pdf.attachments["secret.exe"] = pikepdf.AttachedFileSpec(
        pdf, b"kp7-attachment", description="", filename="", mime_type="", creation_date="", mod_date=""
    )
    xfa = pdf.make_stream(b"<xdp>kp7-xfa</xdp>")
    page = pdf.pages[0].obj
    look = pdf.make_stream(b"0.2 0.2 0.9 rg 0 0 120 20 re f")
    look.stream_dict["/Type"], look.stream_dict["/Subtype"] = Name.XObject, Name.Form
    look.stream_dict["/BBox"] = Array([0, 0, 120, 20])
    field = pdf.make_indirect(
        Dictionary(
            Type=Name.Annot,
            Subtype=Name.Widget,
            FT=Name.Tx,
            T=String("answer"),
            V=String("kp7-value"),
            F=4,
            Rect=Array([60, 60, 180, 80]),
            AP=Dictionary(N=look),
            AA=Dictionary(K=script),
        )
    )
    launch = Dictionary(S=Name.Launch, F=String("kp7-launch.exe"))
    link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 600, 800]), A=launch)
    media = Dictionary(Type=Name.Annot, Subtype=Name.RichMedia, Rect=Array([0, 0, 9, 9]))
    media.RichMediaContent = Dictionary(Assets=pdf.make_stream(b"kp7-media"))
    page.Annots = Array([field, pdf.make_indirect(link), pdf.make_indirect(media)])
    page.AA = Dictionary(O=script)
    page.PieceInfo = Dictionary(Other=Dictionary(Private=String("kp7-private")))
    page.Metadata = pdf.make_stream(b"<x>kp7-metadata</x>")
    pdf.Root.AcroForm = Dictionary(Fields=Array([field]), XFA=xfa, DA=String("/Helv 12 Tf"))
    with pdf.open_metadata() as told:
        told["dc:title"] = "kp7-title"
    pdf.docinfo["/Author"] = "kp7-author"
    picture = pdf.make_stream(photo)
    for key, value in {"Width": 640, "Height": 480, "BitsPerComponent": 8}.items():
        picture[f"/{key}"] = value
    picture["/Type"], picture["/Subtype"] = Name.XObject, Name.Image
    picture["/ColorSpace"], picture["/Filter"] = Name.DeviceRGB, Name.DCTDecode
    picture["/Metadata"] = pdf.make_stream(b"<x>kp7-metadata</x>")
    with_picture = Dictionary(XObject=Dictionary(A=picture), Evil=script, Properties=Dictionary(A=launch))
    pdf.pages.append(
        pikepdf.Page(
            Dictionary(
                Type=Name.Page,
                MediaBox=Array([0, 0, 300, 200]),
                Resources=with_picture,
                Contents=pdf.make_stream(b"q 300 0 0 200 0 0 cm /A Do Q"),
            )
        )
    )
    return _saved(pdf)


def _page(pdf: Pdf, contents: Stream, size: tuple[float, float] = (595, 842), **resources: object) -> None:
    page = Dictionary(Type=Name.Page, MediaBox=Array([0, 0, *size]), Contents=contents)
    page.Resources = Dictionary(**resources)  # type: ignore[arg-type]
    pdf.pages.append(pikepdf.Page(page))


def zeros(count: int) -> bytes:
    """So many zeros, packed with zlib, in no time: a block of a MiB again and again."""
    packer = zlib.compressobj(9)
    first, again = (packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    blocks, rest = divmod(count, 2**20)
    tail = zlib.compressobj(9, zlib.DEFLATED, -15)
    checksum = struct.pack(">I", count % 65_521 << 16 | 1)  # Adler-32 of zeros, RFC 1950
    return first + again * (blocks - 1) + tail.compress(bytes(rest)) + tail.flush() + checksum


def unpacking_bomb(gigabytes: int = 2) -> bytes:
    """A few kilobytes that are gigabytes of white space."""
    pdf = Pdf.new()
    contents = pdf.make_stream(b"")
    contents.write(zlib.compress(zeros(gigabytes * 2**30), 9), filter=Array([Name.FlateDecode, Name.FlateDecode]))
    _page(pdf, contents)
    return _saved(pdf, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)


def drawing_bomb(depth: int = 12) -> bytes:
    """Forms that draw each other ten times each: a million million strokes."""
    pdf = Pdf.new()
    form = pdf.make_stream(b"0 0 500 500 re f")
    for level in range(depth + 1):
        form.stream_dict["/Type"], form.stream_dict["/Subtype"] = Name.XObject, Name.Form
        form.stream_dict["/BBox"] = Array([0, 0, 600, 800])
        if level < depth:
            outer = pdf.make_stream(b"/X Do " * 10)
            outer.stream_dict["/Resources"] = Dictionary(XObject=Dictionary(X=form))
            form = outer
    _page(pdf, pdf.make_stream(b"/X Do"), XObject=Dictionary(X=form))
    return _saved(pdf)


def picture_in_pdf_bomb(side: int = 60_000) -> bytes:
    """A page with a picture of 3,600 million pixels, all white."""
    pdf = Pdf.new()
    packed = zeros(side // 8 * side)
    picture = pdf.make_stream(b"")
    picture.write(zlib.compress(packed, 9), filter=Array([Name.FlateDecode, Name.FlateDecode]))
    for key, value in {"Width": side, "Height": side, "BitsPerComponent": 1}.items():
        picture[f"/{key}"] = value
    picture["/Type"], picture["/Subtype"], picture["/ColorSpace"] = Name.XObject, Name.Image, Name.DeviceGray
    _page(pdf, pdf.make_stream(b"q 500 0 0 700 40 40 cm /P Do Q"), XObject=Dictionary(P=picture))
    return _saved(pdf, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)


def of_pages(count: int, size: tuple[float, float] = (595, 842), words: bytes = b"20 20 99 99 re f") -> bytes:
    """Pages with a square each, or with whatever `words` draw."""
    pdf = Pdf.new()
    for _ in range(count):
        _page(pdf, pdf.make_stream(words), size)
    return _saved(pdf, deterministic_id=True)


def picture_bomb(side: int = 30_000) -> bytes:
    """A PNG of 900 million pixels in 110 kB."""
    packed = zeros((1 + side // 8) * side)
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", head), (b"IDAT", packed), (b"IEND", b""))
    )
