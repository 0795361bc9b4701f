"""Makes invented certificates to try KP7 with: `python samples/make_certificates.py FOLDER`.

Each as five programs write it: fpdf2 with and without shaping, ReportLab, Typst, and Chromium where there is one, as
every program puts Thai into a PDF in its own way; and as photos. Needs the development tools (`make setup .venv/.dev`).
"""

import html
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run by hand, from anywhere

import fontpkg_sarabun
import segno
import typst
from fpdf import FPDF
from pikepdf import Pdf
from PIL import Image, ImageChops
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from samples import make_papers
from samples.certificate_forms import Certificate, Line, grid, lines

FONTS = fontpkg_sarabun.ROOT / "files"
REGULAR, BOLD = FONTS / "Sarabun-Regular.ttf", FONTS / "Sarabun-Bold.ttf"
WIDTH, HEIGHT = 841.89, 595.28
QR, QR_X, QR_Y = 80, 730, 480  # points: its side, and its upper left corner
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def qr(address: str) -> bytes:
    out = BytesIO()
    segno.make(address, error="m").save(out, kind="png", scale=6)
    return out.getvalue()


def weight(line: Line) -> int:
    return 700 if line.bold else 400


def by_fpdf(certificates: Sequence[Certificate], shaped: bool = True) -> list[bytes]:
    return [_fpdf(certificate, shaped) for certificate in certificates]


def _fpdf(certificate: Certificate, shaped: bool) -> bytes:
    pdf = FPDF(unit="pt", format=(WIDTH, HEIGHT))
    pdf.set_auto_page_break(False)
    pdf.add_page()
    pdf.add_font("Sarabun", "", str(REGULAR))
    pdf.add_font("Sarabun", "B", str(BOLD))
    pdf.set_text_shaping(shaped)
    for line in lines(certificate):
        pdf.set_font("Sarabun", "B" if line.bold else "", line.size)
        pdf.set_xy(0, line.y)
        pdf.cell(w=WIDTH, text=line.words, align="C")
    if certificate.address:
        pdf.image(BytesIO(qr(certificate.address)), QR_X, QR_Y, QR, QR)
    return bytes(pdf.output())


def by_reportlab(certificates: Sequence[Certificate]) -> list[bytes]:
    for name, path in (("Sarabun", REGULAR), ("SarabunBold", BOLD)):
        pdfmetrics.registerFont(TTFont(name, str(path), shapable=True))
    return [_reportlab(certificate) for certificate in certificates]


def _reportlab(certificate: Certificate) -> bytes:
    out = BytesIO()
    canvas = Canvas(out, pagesize=(WIDTH, HEIGHT))
    for line in lines(certificate):
        canvas.setFont("SarabunBold" if line.bold else "Sarabun", line.size)
        canvas.drawCentredString(WIDTH / 2, HEIGHT - line.y - line.size, line.words, shaping=True)
    if certificate.address:
        canvas.drawImage(ImageReader(BytesIO(qr(certificate.address))), QR_X, HEIGHT - QR_Y - QR, QR, QR)
        canvas.linkURL(certificate.address, (QR_X, HEIGHT - QR_Y - QR, QR_X + QR, HEIGHT - QR_Y))
    canvas.save()
    return out.getvalue()


def by_typst(certificates: Sequence[Certificate]) -> list[bytes]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        pages = []
        for number, certificate in enumerate(certificates):
            placed = [
                f"#place(top + center, dy: {line.y}pt, "
                f"text(size: {line.size}pt, weight: {weight(line)}, {json.dumps(line.words, ensure_ascii=False)}))"
                for line in lines(certificate)
            ]
            if certificate.address:
                (folder / f"{number}.png").write_bytes(qr(certificate.address))
                image = f'image("{number}.png", width: {QR}pt)'
                placed.append(f'#place(dx: {QR_X}pt, dy: {QR_Y}pt, link("{certificate.address}", {image}))')
            pages.append("\n".join(placed))
        head = f'#set page(width: {WIDTH}pt, height: {HEIGHT}pt, margin: 0pt)\n#set text(font: "Sarabun", lang: "th")\n'
        (folder / "all.typ").write_text(head + "\n#pagebreak()\n".join(pages), "utf-8")
        return _apart(typst.compile(folder / "all.typ", root=folder, font_paths=[FONTS], ignore_system_fonts=True))


def by_chromium(certificates: Sequence[Certificate]) -> list[bytes]:
    browser = next(filter(None, map(shutil.which, BROWSERS)))
    faces = "".join(
        f"@font-face{{font-family:Sarabun;font-weight:{bold};src:url({path.as_uri()})}}"
        for bold, path in ((400, REGULAR), (700, BOLD))
    )
    pages = []
    for certificate in certificates:
        said = "".join(
            f'<p style="top:{line.y}pt;font:{weight(line)} {line.size}pt Sarabun">{html.escape(line.words)}</p>'
            for line in lines(certificate)
        )
        if certificate.address:
            image = f'<img src="{segno.make(certificate.address, error="m").png_data_uri(scale=6)}">'
            said += f'<a href="{certificate.address}" style="left:{QR_X}pt;top:{QR_Y}pt">{image}</a>'
        pages.append(f"<section>{said}</section>")
    style = (
        f"@page{{size:{WIDTH}pt {HEIGHT}pt;margin:0}}body{{margin:0}}p,a{{position:absolute;margin:0}}p{{width:100%;"
        f"text-align:center;white-space:nowrap}}img{{width:{QR}pt}}"
        f"section{{position:relative;height:{HEIGHT - 1}pt;break-after:page;overflow:hidden}}"
    )
    with TemporaryDirectory() as name:
        page, made = Path(name) / "all.html", Path(name) / "all.pdf"
        page.write_text(f"<meta charset=utf-8><style>{faces}{style}</style>{''.join(pages)}", "utf-8")
        flags = (
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--no-pdf-header-footer",
        )
        whose = f"--user-data-dir={name}/profile"
        command = [str(browser), *flags, whose, f"--print-to-pdf={made}", page.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)  # noqa: S603 - nothing here is anybody's input
        return _apart(made.read_bytes())[: len(certificates)]


def _apart(pdf: bytes) -> list[bytes]:
    """Its pages, each a PDF of its own."""
    made = []
    with Pdf.open(BytesIO(pdf)) as whole:
        for page in whole.pages:
            one, out = Pdf.new(), BytesIO()
            one.pages.append(page)
            one.save(out)
            made.append(out.getvalue())
    return made


MAKERS: Mapping[str, Callable[[Sequence[Certificate]], list[bytes]]] = {
    "fpdf2": by_fpdf,
    "fpdf2, unshaped": lambda certificates: by_fpdf(certificates, shaped=False),
    "ReportLab": by_reportlab,
    "Typst": by_typst,
    "Chromium": by_chromium,
}


def makers() -> list[str]:
    """Those that can be had here."""
    return [name for name in MAKERS if name != "Chromium" or any(map(shutil.which, BROWSERS))]


def photo(certificate: bytes, width: int = 1600) -> bytes:
    """Of the printed page: turned by two degrees, with noise."""
    page = make_papers.picture(certificate, 200)
    askew = page.rotate(2, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    askew.thumbnail((width, width), Image.Resampling.LANCZOS)
    return make_papers.jpeg(ImageChops.subtract(askew, make_papers._noise(askew.size, 1)), 80)


def make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    certificates = [certificate for language in ("th", "en") for certificate in grid(language)][::3]
    for maker in makers():
        for number, pdf in enumerate(MAKERS[maker](certificates), 1):
            name = f"{maker.lower().replace(', ', '_')}_{number:02}"
            (folder / f"{name}.pdf").write_bytes(pdf)
            if maker == "fpdf2":
                (folder / f"{name}.jpg").write_bytes(photo(pdf))
        print(f"{maker}: {len(certificates)} certificates")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
