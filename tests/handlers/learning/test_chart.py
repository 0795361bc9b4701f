"""How far units are, as a picture, and the same in words."""

import xml.etree.ElementTree as ET
from io import BytesIO

import fontpkg_sarabun
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageFont

from bot.events import Language
from bot.papers import lettering
from bot.papers.room import Papers
from bot.papers.shapes import WRITABLE, Refused
from bot.text import Texts
from handlers.learning import chart
from handlers.learning.chart import MANY, PARTS, WIDTH, UnitStanding, describe, draw, picture

TEXTS = Texts()
SVG = "{http://www.w3.org/2000/svg}"
TITLE = "ผลการเรียน e-Learning รอบที่ 1/2567"
PHRAE = UnitStanding("สำนักงานท้องถิ่นจังหวัดแพร่", 12, 3, 5)
LONG = "กลุ่มงานส่งเสริมและพัฒนาท้องถิ่น กลุ่มกฎหมาย ระเบียบและเรื่องร้องทุกข์ และกลุ่มงานการเงินบัญชีและการตรวจสอบ"


def drawn(*units: UnitStanding, language: Language = "th", title: str = TITLE) -> ET.Element:
    return ET.fromstring(draw(TEXTS, language, title, units))


def lines(root: ET.Element) -> list[str]:
    return ["".join(one.itertext()) for one in root.iter(f"{SVG}text")]


async def shown(*units: UnitStanding) -> Image.Image:
    png = await picture(Papers(), draw(TEXTS, "th", TITLE, units))
    assert not isinstance(png, Refused)
    return Image.open(BytesIO(png), formats=["PNG"]).convert("RGB")


def test_a_bar_with_its_numbers_in_words() -> None:
    root = drawn(PHRAE)
    assert lines(root) == [TITLE, "60.00%", PHRAE.name, "ผ่าน 12 คน", "รอตรวจ 3 คน", "ยังไม่ส่ง 5 คน"]
    boxes = [box.attrib for box in root.iter(f"{SVG}rect") if float(box.get("height", 0)) == chart.BAR]
    wide = [float(box["width"]) / chart.WIDE for box in boxes]
    assert wide == pytest.approx([0.6, 0.15, 0.25, 1], abs=0.01)
    assert len({box["fill"] for box in boxes[:3]}) == 3


def test_whoever_does_not_see_it_is_told() -> None:
    words = describe(TEXTS, "th", TITLE, [PHRAE, UnitStanding("กอง", 0, 0, 0)])
    assert words.splitlines() == [
        TITLE,
        "สำนักงานท้องถิ่นจังหวัดแพร่: ทั้งหมด 20 คน ผ่าน 12 คน (ร้อยละ 60.00) รอตรวจ 3 คน ยังไม่ส่ง 5 คน",
        "กอง: ทั้งหมด 0 คน ผ่าน 0 คน (ร้อยละ 0) รอตรวจ 0 คน ยังไม่ส่ง 0 คน",
    ]
    root = drawn(PHRAE, UnitStanding("กอง", 0, 0, 0))
    assert (root.get("role"), root.findtext(f"{SVG}title")) == ("img", words)


def test_a_long_name_takes_two_lines_and_is_cut_with_a_sign() -> None:
    _, _, first, second, *_ = lines(drawn(UnitStanding(LONG, 1, 0, 0)))
    assert LONG.startswith(first)
    assert second.endswith("…")
    assert LONG.startswith(f"{first} {second[:-1]}")
    assert len(second) > 20
    assert LONG in (drawn(UnitStanding(LONG, 1, 0, 0)).findtext(f"{SVG}title") or "")


@pytest.mark.parametrize("language", ["th", "en"])
def test_many_units_stand_below_all_of_them(language: Language) -> None:
    units = [UnitStanding(f"กองที่ {n} {LONG}", n, 1, 2) for n in range(30)]
    root = drawn(*units, language=language)
    said = lines(root)
    passed = sum(unit.passed for unit in units)
    whole = [
        TEXTS(language, f"learning.chart_{part}", {"number": n})
        for part, n in zip(PARTS, (passed, 30, 60), strict=True)
    ]
    assert TEXTS(language, "learning.chart_all", {"count": 30}) in said
    assert set(whole) <= set(said)
    assert "29 · 1 · 2   90.63%" in said
    assert float(root.get("height", 0)) < 3.5 * WIDTH
    assert len(lines(drawn(*units[:MANY], language=language))) > MANY * 6


async def test_the_picture_is_told_apart_without_colours() -> None:
    """What is passed is dark, what is owed is white, what waits is both."""
    picture = (await shown(PHRAE)).convert("L")
    assert picture.width == WIDTH
    root = drawn(PHRAE)
    boxes = [box.attrib for box in root.iter(f"{SVG}rect") if float(box.get("height", 0)) == chart.BAR]
    shades = []
    for box in boxes[:3]:
        x, y, width, height = (float(box[name]) for name in ("x", "y", "width", "height"))
        inside = picture.crop((round(x + 5), round(y + 5), round(x + width - 5), round(y + height - 5)))
        shades.append(set(inside.tobytes()))
    passed, waiting, owing = shades
    assert max(passed) < 90
    assert owing == {255}
    assert max(waiting) - min(waiting) > 100


@pytest.mark.parametrize("name", ["ป้ายน้ำ", "ฝี่", "ฟ้า", "ปู่ย่า", "ที่ญี่ปุ่น"])
def test_marks_stand_where_they_belong(name: str) -> None:
    """Each adds ink of its own: none falls onto another, or out of the picture."""

    def inked(name: str) -> Image.Image:
        return lettering.draw(draw(TEXTS, "th", TITLE, [UnitStanding(name, 1, 0, 0)]), WIDTH)

    whole = inked(name)
    marks = [n for n, letter in enumerate(name) if "\u0e31" <= letter <= "\u0e4e" and letter not in "\u0e32\u0e33เแโใไ"]
    assert marks
    for n in marks:
        assert ImageChops.difference(whole, inked(name[:n] + name[n + 1 :])).convert("RGB").getbbox()


def test_letters_are_thought_no_narrower_than_they_are() -> None:
    letters = [chr(code) for code in range(32, 0x2100) if WRITABLE.fullmatch(chr(code))]
    for weight in ("Regular", "SemiBold"):
        font = ImageFont.truetype(str(fontpkg_sarabun.ROOT / "files" / f"Sarabun-{weight}.ttf"), 1000)
        assert {letter for letter in letters if font.getlength(letter) / 1000 > chart._wide(letter)} == set()


@given(st.lists(st.tuples(st.text(st.characters(), max_size=40), *[st.integers(0, 4000)] * 3), min_size=1, max_size=30))
@example([("<b>&'\"\ud800\x00\uffff]]>", 0, 0, 0)])
@example([("ก" * 40_000, 1, 2, 3)])
def test_whatever_units_are_called_it_is_a_picture(given_units: list[tuple[str, int, int, int]]) -> None:
    units = [UnitStanding(*one) for one in given_units]
    root = drawn(*units, title=units[0].name)
    right = [float(box.get("x", 0)) + float(box.get("width", 0)) for box in root.iter(f"{SVG}rect")]
    assert max(right) <= WIDTH + 0.1
