"""Whatever lies where a file is meant: nobody waits for it, and nobody reads without end."""

import os
from pathlib import Path

import pytest

from storage import plain_files
from storage.plain_files import Unfit
from tests.unfit import UNFIT


@pytest.mark.parametrize("what", UNFIT)
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_RDWR | os.O_CREAT, os.O_WRONLY | os.O_CREAT | os.O_APPEND])
def test_what_is_no_file_is_refused_in_a_sentence(tmp_path: Path, what: str, flags: int) -> None:
    path = tmp_path / "file"
    UNFIT[what](path)
    opened = len(os.listdir("/proc/self/fd"))
    with pytest.raises(Unfit, match=rf"^{path} is not a regular file\.$"):
        plain_files.opened(path, flags)
    assert len(os.listdir("/proc/self/fd")) == opened


def test_no_more_is_read_than_there_may_be(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 10 + b"end")
    assert plain_files.read(path, 13) == b"xxxxxxxxxxend"
    with pytest.raises(Unfit, match="is larger than"):
        plain_files.read(path, 12)
    assert plain_files.ending(path, 3) == b"end"
    assert plain_files.ending(path, 99) == b"xxxxxxxxxxend"


def test_a_link_is_followed_only_where_one_may_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"here")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "file")
    assert plain_files.read(link, 9) == b"here"
    with pytest.raises(Unfit, match="is not a regular file"):
        plain_files.read(link, 9, follow=False)


def test_a_place_where_nothing_can_be_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        plain_files.read(tmp_path / "nowhere" / "file", 9)
    with pytest.raises(Unfit, match=r"cannot be opened: No such file or directory\.$"):
        plain_files.opened(tmp_path / "nowhere" / "file", os.O_WRONLY | os.O_CREAT)
