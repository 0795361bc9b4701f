"""What lies beside the exported papers: `manifest.csv`, a row for each of them, and `SHA256SUMS`. Pure.

Both are kept in memory until the end, some hundred bytes a paper. No cell is a formula to a spreadsheet, whether it
cuts the lines at commas, semicolons, tabs or bars, and whatever quotes stand there; an ID has its dashes, else a
spreadsheet takes it for a number and loses digits.
"""

import csv
import hashlib
import re
from datetime import datetime
from io import BytesIO, TextIOWrapper

from bot import thai
from bot.events import Say
from bot.text import Texts
from bot.values import frozen
from handlers.review.file_names import ACTIVE

MANIFEST, SUMS = "manifest.csv", "SHA256SUMS"
COLUMNS = (
    "export.unit", "export.national_id", "export.name", "export.number", "export.paper", "export.file", "export.pages",
    "export.sha256", "export.standing", "export.decided_at", "export.decided_thai", "export.officer", "export.level",
    "export.note",
)  # fmt: skip
# Where a cell may begin, for whichever separator; the quotes there vanish, or stand before what was meant as text.
_FORMULA = re.compile(f'(^|[,;\\t|])([\\s"]*)(?=[{re.escape(ACTIVE)}])')


@frozen
class Line:
    """One paper. `file`: its path, empty where there is none. `decided_at`: local time."""

    unit: str = ""
    national_id: str = ""
    name: str = ""
    number: str = ""
    paper: str = ""
    file: str = ""
    pages: int | None = None
    sha256: str = ""
    standing: str = ""
    decided_at: datetime | None = None
    officer: str = ""
    level: int | None = None
    note: str = ""


class Manifest:
    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._listed, self._sums = BytesIO(), BytesIO()
        self._cells = TextIOWrapper(self._listed, "utf-8-sig", newline="")
        self._rows = csv.writer(self._cells)
        self._rows.writerow([texts("th", column) for column in COLUMNS])

    def add(self, line: Line) -> None:
        cells = (
            line.unit, dashed(line.national_id), line.name, line.number, line.paper, line.file, line.pages, line.sha256,
            line.standing, *self._moment(line.decided_at), line.officer, line.level, line.note,
        )  # fmt: skip
        self._rows.writerow(["" if cell is None else inert(str(cell)) for cell in cells])

    def _moment(self, at: datetime | None) -> tuple[str, str]:
        """For machines with its offset from UTC (ISO 8601), and as it is written in Thailand."""
        if at is None:
            return "", ""
        thai_words = self._texts.say("th", Say("desk.moment", {"day": at.date(), "time": at}))
        return at.isoformat(timespec="seconds"), thai_words

    def sum(self, path: str, sha256: str) -> None:
        """As `sha256sum` has it."""
        self._sums.write(f"{sha256}  {path}\n".encode())

    def files(self) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
        """Path and content of each, once all is told."""
        self._cells.flush()
        listed = self._listed.getvalue()
        self.sum(MANIFEST, hashlib.sha256(listed).hexdigest())
        return (MANIFEST, listed), (SUMS, self._sums.getvalue())


def inert(cell: str) -> str:
    """As text, whatever it begins with and wherever it is cut (ASVS 1.2.10); tabs, ends of lines and NUL are gone."""
    return _FORMULA.sub(r"\1\2'", thai.clean(cell))


def dashed(national_id: str) -> str:
    """As it stands on the card: 1-9999-00000-01-3."""
    if len(national_id) != 13:
        return national_id
    a, b, c, d, e = national_id[0], national_id[1:5], national_id[5:10], national_id[10:12], national_id[12]
    return f"{a}-{b}-{c}-{d}-{e}"
