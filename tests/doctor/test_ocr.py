"""The program that reads pictures: there, started, knows Thai."""

from pathlib import Path

from bot.doctor import ocr
from tests.doctor.patients import case, findings, is_well, the_fault
from tests.papers.fake_reader import a_program, needs_tesseract


@needs_tesseract
async def test_it_starts_and_knows_thai(tmp_path: Path) -> None:
    assert "knows Thai" in await is_well(ocr.look, case(tmp_path, ocr="tesseract"))


async def test_without_one(tmp_path: Path) -> None:
    assert [finding.level for finding in await findings(ocr.look, case(tmp_path))] == ["skipped"]


async def test_there_is_no_such_program(tmp_path: Path) -> None:
    fault = await the_fault(ocr.look, case(tmp_path, ocr="no-such-program"))
    assert fault.says == "There is no program no-such-program."
    assert "tesseract-ocr-tha" in fault.mend


async def test_it_does_not_start(tmp_path: Path) -> None:
    assert (
        "does not start (exit 3)" in (await the_fault(ocr.look, case(tmp_path, ocr=a_program(tmp_path, "exit 3")))).says
    )


async def test_it_knows_other_languages(tmp_path: Path) -> None:
    program = a_program(tmp_path, "echo eng; echo osd")
    assert "does not know Thai" in (await the_fault(ocr.look, case(tmp_path, ocr=program))).says
