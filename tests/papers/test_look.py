"""Whether a page says “สำเนาถูกต้อง”: a hint, so whatever goes wrong, there is none."""

import ctypes
import sys
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest

from bot.papers import reading
from bot.papers.process import Workshop
from bot.papers.room import Papers
from bot.papers.shapes import LIMITS, READ_MOST, Limits, Mark, Paper, Reason, Refused, Stamped
from tests.papers import tools
from tests.papers.conftest import Here
from tests.papers.fake_reader import WORDS, a_program, needs_tesseract


def a_room(ocr: str = "", limits: Limits = LIMITS) -> Papers:
    """The program runs as in the house; what is before it, in this process."""
    papers = Papers(limits=limits, ocr=ocr)
    papers._workshop = Here(LIMITS)
    return papers


@pytest.mark.parametrize(
    "text",
    [
        "สำเนาถูกต้อง",
        "สําเนาถูกต้อง",  # ำ as ํ and า
        "… ส ำ เ น า ถู ก ต้ อ ง นาย",
        "สาเนาถกตอง",
        "ลงวันที่ 1\nสำเมาถูกต้อง\nสมชาย",  # one letter is another
        "สำเนาถูกตง",  # one is missing
    ],
)
def test_what_says_so(text: str) -> None:
    assert reading.says(text, WORDS)


@pytest.mark.parametrize("text", ["", "สำเนา", "ถูกต้อง", "ข้อความถูกต้องทุกประการ", "สำเนาทะเบียนบ้าน", "x" * 30_000 + WORDS])
def test_what_does_not(text: str) -> None:
    assert not reading.says(text, WORDS)


async def test_without_a_program_the_text_that_a_pdf_carries_can_say_yes() -> None:
    assert await a_room().look(tools.transcript(), WORDS) == (None, None)
    assert await a_room().look(tools.transcript(), "ใบแสดงผลการศึกษา") == (True, True)
    assert await a_room("no-such-program").look(tools.house(), WORDS) == (None,)


@needs_tesseract
async def test_our_own_stamp_is_seen_and_a_page_without_it_too() -> None:
    room = a_room("tesseract")
    taken = await room.take(tools.scan())  # its last page is empty
    assert isinstance(taken, Paper)
    stamped = await room.stamp(taken.pdf, Mark(WORDS, ("(นายสมชาย ทดสอบ)",)))
    assert isinstance(stamped, Stamped)
    assert await room.look(taken.pdf, WORDS) == (False, None)
    assert await room.look(stamped.pdf, WORDS) == (True, None)


async def test_a_program_is_asked_only_about_pages_that_bear_something(tmp_path: Path) -> None:
    says_yes, says_no = (a_program(tmp_path, f"echo {words}") for words in (WORDS, "ตัวอย่าง"))
    assert says_yes == says_no
    assert await a_room(says_no).look(tools.scan(), WORDS) == (False, None)


async def test_it_is_given_a_picture_of_the_page(tmp_path: Path) -> None:
    """A4 at 150 dots an inch, in grey."""
    reads = f"""
read STDIN, my $begins, 26;
my ($kind, $wide, $high, $colours) = unpack "x1 a3 x12 N2 x1 C", $begins;
print "{WORDS}" if "$kind $colours" eq "PNG 0" and $wide > 1200 and $high > 1700;
"""
    (tmp_path / "reads.pl").write_text(reads, "utf-8")
    assert await a_room(a_program(tmp_path, f"exec perl {tmp_path}/reads.pl")).look(tools.house(), WORDS) == (True,)


BAD = {
    "slow": "exec sleep 60",
    "crashing": "exit 3",
    "no program at all": "exec /nowhere",
    "printing bytes": "exec head -c 1000 /bin/ls",
    "printing without end": f"exec yes {WORDS}",
    "hungry": f'exec perl -e \'my $much = "x" x (1 << 30); print "{WORDS}"\'',
    "busy": "while :; do :; done",
}


@pytest.mark.parametrize("way", BAD)
async def test_a_program_that_fails_leaves_no_hint(tmp_path: Path, way: str) -> None:
    room = a_room(a_program(tmp_path, BAD[way]), Limits(seconds=1.5 if way in ("slow", "busy") else 10))
    assert await room.look(tools.house(), WORDS) == (None,)


async def test_no_more_than_so_many_pages_are_read(tmp_path: Path) -> None:
    page = pikepdf.open(BytesIO(tools.house()))
    for _ in range(READ_MOST):
        page.pages.append(page.pages[0])
    out = BytesIO()
    page.save(out)
    seen = await a_room(a_program(tmp_path, "echo")).look(out.getvalue(), WORDS)
    assert seen == (*[False] * READ_MOST, None)


async def test_what_is_no_pdf() -> None:
    assert await a_room().look(b"hello", WORDS) == Refused(Reason.NOT_A_PAPER)


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux's")
async def test_the_program_is_shut_in(tmp_path: Path) -> None:
    """No network, no other process beside it, nobody's files."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "bin").mkdir()
    secret = tmp_path / "elsewhere" / "secret"
    secret.write_text("kp7-secret")
    files = 'print "reads " if open(my $f, "<", "SECRET"); print "writes " if open(my $g, ">", "SECRET.new");'
    if ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1) < 1:
        files = ""  # this kernel has no Landlock
    tries = f"""
use Socket;
print "calls " if socket(my $s, PF_INET, SOCK_STREAM, 0);
{files.replace("SECRET", str(secret))}
print "sees ", %ENV{{MASTER_KEY}} if $ENV{{MASTER_KEY}};
my $child = fork; print "forks " if defined $child;
print "shut";
"""
    (tmp_path / "bin" / "tries.pl").write_text(tries)
    program = a_program(tmp_path / "bin", f"exec perl {tmp_path}/bin/tries.pl")
    assert await Workshop(LIMITS, program=(program,)).run("read", b"") == b"shut"
