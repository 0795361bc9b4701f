"""XLSX: each visible sheet is one way to read the file, each cell the text that a person would have typed there.

A few hundred bytes can unpack to more than any machine has, in ways that no look at the file beforehand finds: a child
process with limits reads it, anew each time, and nothing but its rows comes here. python-calamine holds one sheet in
memory (measured: docs/performance.md) and is ten times as fast as what streams.
"""

import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import orjson

from handlers.organisation import workbook_reader
from handlers.organisation.csv_file import Reading, Record
from handlers.organisation.refusals import BadFile
from handlers.organisation.workbook_reader import DAMAGED, LONGEST_LINE


def readings(path: Path) -> Iterator[Reading]:
    """The sheets, in the file's order. They, too, raise `BadFile`: `file_kind`, `workbook_too_large`."""
    with closing(_lines(path)) as lines:
        (places,) = lines
    for place in places or ():
        yield partial(_lines, path, place)


def _lines(*what: str | Path) -> Generator[Record, None, None]:
    """What the reader prints. It is gone when this ends, however it ends."""
    with _started(*what) as reader:
        assert reader.stdout
        try:
            while (line := reader.stdout.readline(LONGEST_LINE)).endswith(b"\n"):
                yield orjson.loads(line)
            if line or (code := reader.wait()):
                raise BadFile("file_kind" if not line and code == DAMAGED else "workbook_too_large")
        finally:
            reader.kill()


def _started(*what: str | Path) -> subprocess.Popen[bytes]:
    """By its file, not as a module: `-I` and an empty environment keep from it what is not its own, our keys above all.

    In a session of its own, so that Ctrl-C stops us and not it, which would look like a file too large.
    """
    command = (sys.executable, "-I", "-X", "utf8", workbook_reader.__file__, *what)
    none = subprocess.DEVNULL
    return subprocess.Popen(  # noqa: S603
        command, env={}, stdin=none, stdout=subprocess.PIPE, stderr=none, start_new_session=True
    )
