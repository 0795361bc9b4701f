"""Makes an invented roster of any length: `python samples/make_roster.py 100000 roster.xlsx` (or `.csv`).

The people are those that `people.py` invents, so the file looks like a real one in every row: mixed dates, Thai
digits, titles glued to names. The same number gives the same people. XLSX needs xlsxwriter (`make setup .venv/.dev`).
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run by hand, from anywhere

from samples.people import SEED, invent
from samples.tables import ROSTER_HEADER, roster_row

FIRST = 1_001  # beyond the sample roster's people


def rows(people: int) -> Iterator[tuple[str, ...]]:
    random = Random(SEED)
    yield ROSTER_HEADER
    for serial in range(FIRST, FIRST + people):
        yield roster_row(serial, invent(serial, random))


def make(people: int, path: Path) -> None:
    if path.suffix == ".xlsx":
        import xlsxwriter

        with xlsxwriter.Workbook(path, {"strings_to_urls": False}) as book:
            sheet = book.add_worksheet()
            for number, row in enumerate(rows(people)):
                sheet.write_row(number, 0, row)
    else:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows(rows(people))


if __name__ == "__main__":
    make(int(sys.argv[1]), Path(sys.argv[2]))
