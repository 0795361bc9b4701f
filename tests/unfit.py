"""What may lie where a file is meant."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

UNFIT: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
}


def put(what: str, path: Path) -> None:
    """In its place."""
    take_away(path)
    UNFIT[what](path)


def take_away(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
