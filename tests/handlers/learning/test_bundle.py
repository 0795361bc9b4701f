"""Everything that a unit hands on, in one ZIP that goes out as it is made."""

import gc
import tracemalloc
import zipfile
from datetime import datetime
from io import BytesIO
from random import Random

import pytest

from bot.text import Texts
from handlers.learning.bundle import stream
from handlers.learning.report import Line, UnitReport
from storage.objects import PIECE, Missing
from tests.handlers.learning.reports import a_line, a_report, nobody_s, of_people

TEXTS = Texts()
AT = datetime(2024, 3, 18, 9, 30)  # noqa: DTZ001  as a ZIP keeps it
BIG = Random(5).randbytes(600_000)


async def content(line: Line) -> bytes:
    return line.file.encode()


async def big(line: Line) -> bytes:
    return line.file.encode() + BIG


async def test_excel_form_and_certificates() -> None:
    one = a_report(a_line(1), a_line(1, file="0001_ค_2.pdf"), nobody_s(2), a_line(3))
    pieces = [piece async for piece in stream(TEXTS, one, b"excel", b"form", content, AT)]
    with zipfile.ZipFile(BytesIO(b"".join(pieces))) as found:
        assert found.testzip() is None
        files = {info.filename: found.read(info) for info in found.infolist()}
        assert {info.date_time for info in found.infolist()} == {(2024, 3, 18, 9, 30, 0)}
    sent = [line.file for line in one.lines if line.file]
    assert files == {
        "รายงาน e-Learning.xlsx": b"excel",
        "รายงาน e-Learning.pdf": b"form",
        **{f"ใบรับรอง/{file}": file.encode() for file in sent},
    }


async def test_no_more_of_it_is_in_memory_than_one_certificate() -> None:
    one = of_people(100)
    tracemalloc.start()
    try:
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        size = 0
        async for piece in stream(TEXTS, one, b"excel", b"form", big, AT):
            assert len(piece) <= PIECE
            size += len(piece)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 120 * len(BIG)
    assert most - before < 8 * len(BIG)


async def test_what_breaks_off_is_no_zip() -> None:
    async def lost(line: Line) -> bytes:
        if line.number == 2:
            raise Missing("gone")
        return await content(line)

    came = b""

    async def all_of(one: UnitReport) -> None:
        nonlocal came
        async for piece in stream(TEXTS, one, b"excel", b"form", lost, AT):
            came += piece

    with pytest.raises(Missing):
        await all_of(a_report(a_line(1), a_line(2)))
    assert came
    assert not zipfile.is_zipfile(BytesIO(came))
