"""Makes invented papers to try KP7 with: `python samples/make_papers.py FOLDER`.

Eleven kinds of paper, each as PDF with text, as a scan and as a photo; an album of three photos; and files that must be
refused. Nobody in them is real, and each says “ตัวอย่าง SPECIMEN”. The same files each time, but for those that are
encrypted. Needs the development tools (`make setup .venv/.dev`).
"""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from io import BytesIO
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run by hand, from anywhere

import pillow_heif
import pypdfium2
from pikepdf import Array, Dictionary, Name, Page, Pdf
from PIL import Image, ImageChops

from samples import bad_papers
from samples.paper_forms import FORMS, drawn

PHOTO = (4032, 3024)  # 12 megapixels, as phones take them
DESK = (96, 74, 58)
# EXIF: orientation, and a place (Bangkok's zero milestone) that must not stay in any file
TURNED, MAKER, PLACE = 0x0112, 0x010F, 0x8825


def pdf(kind: str) -> bytes:
    """One of `FORMS` as an office's printer would make it."""
    return drawn(FORMS[kind])


def picture(paper: bytes, dpi: int = 200, page: int = 0) -> Image.Image:
    with pypdfium2.PdfDocument(paper) as document:
        drawn: Image.Image = document[page].render(scale=dpi / 72).to_pil().convert("RGB")
        return drawn


def _noise(size: tuple[int, int], seed: int) -> Image.Image:
    tile = Image.frombytes("L", (128, 128), Random(seed).randbytes(128 * 128)).point(lambda shade: shade // 16)
    whole = Image.new("L", size)
    for x in range(0, size[0], 128):
        for y in range(0, size[1], 128):
            whole.paste(tile, (x, y))
    return whole.convert("RGB")


def jpeg(image: Image.Image, quality: int = 85, **more: object) -> bytes:
    out = BytesIO()
    image.save(out, "JPEG", quality=quality, **more)
    return out.getvalue()


def scan(kind: str, dpi: int = 200, quality: int = 75) -> bytes:
    """As an office's scanner makes it: grey paper, a little askew, no text; an empty back page at the end."""
    pages = [picture(pdf(kind), dpi, number) for number in range(len(FORMS[kind].pages))]
    pages.append(Image.new("RGB", pages[0].size, "white"))
    scans = Pdf.new()
    for number, page in enumerate(pages):
        askew = page.rotate(0.7, Image.Resampling.BICUBIC, fillcolor="white")
        image = scans.make_stream(jpeg(ImageChops.subtract(askew, _noise(page.size, number)), quality))
        image["/Type"], image["/Subtype"], image["/Filter"] = Name.XObject, Name.Image, Name.DCTDecode
        image["/ColorSpace"], image["/BitsPerComponent"] = Name.DeviceRGB, 8
        image["/Width"], image["/Height"] = page.size
        width, height = page.width * 72 / dpi, page.height * 72 / dpi
        sheet = Dictionary(Type=Name.Page, MediaBox=Array([0, 0, width, height]))
        sheet["/Resources"] = Dictionary(XObject=Dictionary(Scan=image))
        sheet["/Contents"] = scans.make_stream(f"q {width} 0 0 {height} 0 0 cm /Scan Do Q".encode())
        scans.pages.append(Page(sheet))
    out = BytesIO()
    scans.save(out, deterministic_id=True)
    return out.getvalue()


def snapshot(kind: str, size: tuple[int, int] = PHOTO, page: int = 0) -> Image.Image:
    """As a phone's camera sees it, lying on a desk: askew, in perspective, upright."""
    paper = picture(pdf(kind), 250, page)
    width, height = size if paper.width > paper.height else size[::-1]
    scale = min(0.86 * width / paper.width, 0.86 * height / paper.height)
    paper = paper.resize((round(paper.width * scale), round(paper.height * scale)), Image.Resampling.LANCZOS)
    desk = Image.new("RGB", (width, height), DESK)
    desk.paste(paper, ((width - paper.width) // 2, (height - paper.height) // 2))
    lean = 0.02 * width
    corners = (0, 0, -lean / 2, height, width, height - lean, width + lean, lean / 2)
    seen = desk.transform(desk.size, Image.Transform.QUAD, corners, Image.Resampling.BICUBIC, fillcolor=DESK)
    return ImageChops.subtract(seen, _noise(seen.size, page))


def told(turned: int = 1) -> Image.Exif:
    """What a phone writes into a photo beside the picture."""
    exif = Image.Exif()
    exif[TURNED], exif[MAKER] = turned, "kp7-maker"
    exif.get_ifd(PLACE).update({1: "N", 2: (13.0, 45.0, 19.0), 3: "E", 4: (100.0, 30.0, 14.0)})
    return exif


def photo(kind: str, size: tuple[int, int] = PHOTO, page: int = 0, quality: int = 85) -> bytes:
    """A JPEG from a phone held upright: stored lying on its side, with a note to turn it, and with its place."""
    seen = snapshot(kind, size, page)
    return jpeg(seen.transpose(Image.Transpose.ROTATE_90), quality, exif=told(turned=6))


def heic(kind: str, size: tuple[int, int] = PHOTO, quality: int = 60) -> bytes:
    """As iPhones send it: with a second, smaller picture in the file."""
    seen = snapshot(kind, size)
    file = pillow_heif.from_pillow(seen)
    file.add_from_pillow(seen.resize((640, 480)))
    out = BytesIO()
    file.save(out, quality=quality, exif=told().tobytes(), primary_index=0, enc_params={"preset": "ultrafast"})
    return out.getvalue()


def png(kind: str) -> bytes:
    """A screenshot."""
    out = BytesIO()
    picture(pdf(kind), 130).save(out, "PNG")
    return out.getvalue()


def active() -> bytes:
    """Everything a paper must not do, in one; its second page is a photo with a place."""
    return bad_papers.active(pdf("degree"), photo("id_card", (640, 480)))


BAD: Mapping[str, Callable[[], bytes]] = {
    "locked.pdf": lambda: bad_papers.locked(pdf("degree")),
    "restricted.pdf": lambda: bad_papers.restricted(pdf("degree")),
    "truncated.pdf": lambda: bad_papers.truncated(pdf("degree"), 0.01),
    "cut_short.pdf": lambda: bad_papers.truncated(pdf("transcript"), 0.97),
    "active.pdf": active,
    "unpacking_bomb.pdf": bad_papers.unpacking_bomb,
    "drawing_bomb.pdf": bad_papers.drawing_bomb,
    "picture_bomb.pdf": bad_papers.picture_in_pdf_bomb,
    "picture_bomb.png": bad_papers.picture_bomb,
    "many_pages.pdf": lambda: bad_papers.of_pages(51),
    "huge_page.pdf": lambda: bad_papers.of_pages(1, (200_000, 200_000)),
    "blank.pdf": lambda: bad_papers.of_pages(1, words=b""),
    "drawing.jpg": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "small.jpg": lambda: photo("id_card", (320, 240)),
}


def make(folder: Path) -> None:
    files: dict[str, Callable[[], bytes]] = {}
    for kind in FORMS:
        files |= {f"{kind}.pdf": partial(pdf, kind), f"{kind}_scan.pdf": partial(scan, kind)}
        files[f"{kind}.jpg"] = partial(photo, kind)
    files |= {"id_card.heic": partial(heic, "id_card"), "house_registration.png": partial(png, "house_registration")}
    album = (("transcript", 0), ("transcript", 1), ("degree", 0))
    files |= {f"album_{number}.jpg": partial(photo, kind, page=page) for number, (kind, page) in enumerate(album, 1)}
    files |= {f"bad/{name}": made for name, made in BAD.items()}
    (folder / "bad").mkdir(parents=True, exist_ok=True)
    for name, made in files.items():
        content = made()
        (folder / name).write_bytes(content)
        print(f"{name}: {len(content):,} bytes")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
