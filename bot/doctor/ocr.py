"""The program that reads pictures, where there is one: started as it will be, shut in."""

import shutil

from bot.doctor.finding import Case, Findings, ok, skipped, warning
from bot.papers.process import Workshop
from bot.papers.shapes import LIMITS, Refusal

PACKAGES = "apt install tesseract-ocr tesseract-ocr-tha"


async def look(case: Case) -> Findings:
    named = case.settings.ocr
    if not named:
        yield skipped("Without OCR, a page is known to be certified only where the PDF carries the words as text.")
        return
    program = shutil.which(named)
    if program is None:
        yield warning(f"There is no program {named}.", f"{PACKAGES}, or leave OCR empty.")
        return
    try:
        said = await Workshop(LIMITS, program=(program, "--list-langs")).run("read", b"")
    except Refusal as refusal:
        why = refusal.why or refusal.refused.reason
        yield warning(f"{program} does not start ({why}).", "It must lie, with all its own, in /usr or /opt.")
        return
    if b"tha" not in said.split():
        yield warning(f"{program} does not know Thai.", PACKAGES)
    else:
        yield ok(f"{program} starts and knows Thai.")
