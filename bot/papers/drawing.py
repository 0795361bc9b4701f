"""A drawing of our own (SVG, `svg.py`) as a PNG. In the child only."""

from typing import Any

from bot.papers import lettering


def job(words: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    return {}, [lettering.png(blobs[0].decode(), words["width"])]
