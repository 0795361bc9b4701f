"""A form of our own, set by typst, which breaks Thai between words and repeats what stands above a table. In the child
only: thousands of lines take half a gigabyte, which goes with it."""

from typing import Any

import fontpkg_sarabun
import typst

FONTS = str(fontpkg_sarabun.ROOT / "files")


def job(_words: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """`blobs`: the form, as typst reads it, and its data as JSON, which are never read as typst."""
    form, data = blobs
    fonts = typst.Fonts(include_system_fonts=False, font_paths=[FONTS])
    pdf = typst.compile(form, font_paths=fonts, sys_inputs={"data": data.decode()})
    assert isinstance(pdf, bytes)
    return {}, [pdf]
