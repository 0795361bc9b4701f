"""Programs that are no tesseract, and where to find the real one."""

import shutil
from pathlib import Path

import pytest

needs_tesseract = pytest.mark.skipif(
    not shutil.which("tesseract"), reason="reads real pages: apt install tesseract-ocr tesseract-ocr-tha"
)
WORDS = "สำเนาถูกต้อง"


def a_program(folder: Path, body: str) -> str:
    """`body`: of a shell script; it can start nothing beside itself, only become something else (`exec`)."""
    path = folder / "tesseract"
    path.write_text(f"#!/bin/sh\n{body}\n", "utf-8")
    path.chmod(0o755)
    return str(path)
