"""The process that reads papers: does it start and do its work here; and does clamd answer, where there is one?"""

from bot.doctor.finding import Case, Findings, ok, warning, wrong
from bot.papers import clamd
from bot.papers.room import Papers
from bot.papers.shapes import LIMITS, MIB, Picture, Reason, Refusal

# An empty page, drawn with a watermark: PDFium, the fonts and Pillow all have their part in it.
PAGE = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)
# EICAR's test file, which is no virus; in two parts, so that no scanner takes this one for it.
TEST_FILE = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


async def look(case: Case) -> Findings:
    drawn = await Papers(at_once=1).preview(PAGE, watermark="KP7")
    if isinstance(drawn, Picture):
        yield ok("The process that reads papers starts, and draws a page.")
    else:
        yield wrong(
            f"The process that reads papers does not work here ({drawn.reason}): no paper can be taken in.",
            "The line papers.not_done on standard error has more. `make setup` mends what is missing; each of "
            f"PAPERS_AT_ONCE={case.settings.papers_at_once} may take {LIMITS.memory // MIB} MB of memory, which this "
            "machine, the unit or the container must have.",
        )
    if address := case.settings.clamd:
        async for finding in _clamd(address):
            yield finding


async def _clamd(address: str) -> Findings:
    try:
        await clamd.scan(address, TEST_FILE, seconds=10)
    except Refusal as refusal:
        if refusal.refused.reason is Reason.INFECTED:
            yield ok("clamd answers, and knows the test file of virus scanners.")
        else:
            yield wrong(
                f"clamd does not answer as it should ({refusal.why}): no paper can be taken in.",
                "Look at CLAMD, whether clamd runs (`systemctl status clamav-daemon`), and whether this user may use "
                "its socket.",
            )
    else:
        yield warning(
            "clamd answers, but does not know the test file of virus scanners: it has no signatures.",
            "Run freshclam, and look whether it does so every day (`systemctl status clamav-freshclam`).",
        )
