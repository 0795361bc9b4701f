"""The committed papers of the demo: what their script makes, and taken or refused as the page beside them says."""

from io import BytesIO

import pikepdf
import pillow_heif
import pytest
from PIL import Image, ImageChops

from bot.papers.room import Papers
from bot.papers.shapes import Paper, Photo, Reason, Refused
from samples.make_demo_papers import FOLDER, PAPERS
from samples.readme import PAPERS as EXPLAINED
from tests.papers import tools

TAKEN = [name for name in PAPERS if not name.startswith("x_")]


def committed(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def pictures(name: str, content: bytes) -> list[Image.Image]:
    """Each page as it is seen."""
    if name.endswith(".heic"):
        return [pillow_heif.open_heif(BytesIO(content)).to_pillow().convert("RGB")]
    if name.endswith(".jpg"):
        return [tools.jpeg(content).convert("RGB")]
    with pikepdf.open(BytesIO(content)) as pdf:
        count = len(pdf.pages)
    return [tools.seen(content, page) for page in range(count)]


def test_all_of_them_are_there_and_small() -> None:
    sizes = {file.name: file.stat().st_size for file in FOLDER.iterdir()}
    assert sizes.keys() == PAPERS.keys()
    assert max(sizes.values()) < 150_000
    assert sum(sizes.values()) < 1_200_000


@pytest.mark.parametrize("name", TAKEN)
def test_they_are_what_the_script_makes(name: str) -> None:
    """Bytes may differ from encoder to encoder; what is seen may not, by more than nobody sees."""
    there, made = committed(name), PAPERS[name]()
    if there == made:
        return
    for one, other in zip(pictures(name, there), pictures(name, made), strict=True):
        assert max(ImageChops.difference(one, other).tobytes()) < 48, "run samples/make_demo_papers.py"


def test_so_are_those_that_are_refused() -> None:
    with pikepdf.open(BytesIO(committed("x_locked.pdf")), password="1234") as unlocked:
        out = BytesIO()
        unlocked.save(out)
    assert tools.text(out.getvalue()) == tools.text(committed("7_degree.pdf"))
    assert committed("7_degree.pdf").startswith(committed("x_truncated.pdf"))


@pytest.mark.parametrize("name", TAKEN)
async def test_each_is_taken(papers: Papers, name: str) -> None:
    content = committed(name)
    if name.endswith(".pdf"):
        assert isinstance(await papers.take(content), Paper)
    else:
        assert isinstance(await papers.page(content), Photo)


@pytest.mark.parametrize(("name", "reason"), [("x_locked.pdf", Reason.LOCKED), ("x_truncated.pdf", Reason.DAMAGED)])
async def test_each_that_must_be_is_refused(papers: Papers, name: str, reason: Reason) -> None:
    refused = await papers.take(committed(name))
    assert isinstance(refused, Refused)
    assert refused.reason == reason


def test_the_page_says_what_each_is_for() -> None:
    page = (FOLDER.parent / "README.md").read_text("utf-8")
    assert {name for name in PAPERS if f"`{name}`" not in page} == set()
    assert {name for names, *_ in EXPLAINED for name in names.split(", ")} == PAPERS.keys()
