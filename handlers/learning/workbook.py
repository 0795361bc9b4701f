"""The report as an Excel file, for the department to count with: one sheet, a row a certificate.

Nothing in it acts (EXP1): every cell is a number of ours or a string, of which Excel makes nothing else even where it
is edited. A row is on the disk as soon as it is written.
"""

from datetime import datetime
from pathlib import Path

from bot.text import Texts
from handlers.learning.report import COLUMNS, UnitReport, cells, heading, words

FONT, SIZE = "TH Sarabun New", 16  # of official papers; where a machine has none, its own
WIDTHS = (8, 30, 34, 30, 28, 48, 20, 34)
THAI_NUMBER = "[$-D00041E]0"  # a number still, in Thai digits
A4 = 9


def write(texts: Texts, report: UnitReport, path: Path) -> None:
    """`path`: of a new file; what is written on the way lies beside it. Takes seconds: not on the loop."""
    import xlsxwriter  # few processes need it

    options = {"constant_memory": True, "tmpdir": str(path.parent)}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"created": datetime(*report.made_on.timetuple()[:3])})  # noqa: DTZ001  a day, no moment
        font = {"font_name": FONT, "font_size": SIZE}
        still = {"num_format": "@", "quote_prefix": True}  # as an apostrophe before it would
        boxed = {**font, "border": 1, "text_wrap": True, "valign": "top"}
        said = book.add_format({**font, **still, "bold": True})
        head = book.add_format({**boxed, **still, "bold": True, "align": "center"})
        text, number = book.add_format({**boxed, **still}), book.add_format({**boxed, "num_format": THAI_NUMBER})
        above = heading(texts, report)
        top = len(above) + 1  # a row between

        sheet = book.add_worksheet(words(texts, "report.sheet"))
        for column, width in enumerate(WIDTHS):
            sheet.set_column(column, column, width)
        sheet.freeze_panes(top + 1, 0)
        sheet.set_landscape()
        sheet.set_paper(A4)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(top)
        sheet.set_footer(f"&C{words(texts, 'report.page', {'page': '&P', 'pages': '&N'})}")

        for row, line in enumerate(above):
            sheet.write_string(row, 0, _string(line), said)
        for column, key in enumerate(COLUMNS):
            sheet.write_string(top, column, words(texts, key), head)
        for row, one in enumerate(report.lines, start=top + 1):
            sheet.write_number(row, 0, one.number, number)
            for column, value in enumerate(cells(one), start=1):
                sheet.write_string(row, column, _string(value), text)


def _string(value: str) -> str:
    """xlsxwriter takes this for markup of its own, and writes it as it is."""
    return f"{value} " if value.startswith("<r>") and value.endswith("</r>") else value
