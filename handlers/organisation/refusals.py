"""What is wrong with a file, or with a row of it. The sentences are in the catalogues, under `error.<code>` for a file
and `cell.<code>` for a cell: a cell is not typed again by whoever reads of it."""

from collections.abc import Mapping
from dataclasses import dataclass


class BadFile(Exception):
    """The file as a whole cannot be taken. `code` names the sentence `error.<code>`, `params` fill it."""

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


@dataclass(frozen=True, slots=True)
class BadRow:
    """A cell that cannot be taken, and so its row. A row with several bad cells is reported once for each.

    `code` names the sentence `cell.<code>`, `params` fill it; `shown` is the cell's value, masked;
    `column` is its header as the file has it, empty where the row as a whole is meant.
    """

    number: int
    column: str
    code: str
    shown: str
    params: Mapping[str, object]
