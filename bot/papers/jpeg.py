"""What a JPEG says besides its picture, taken out without touching the picture. Pure. ITU-T T.81, annex B."""

import re
from collections.abc import Iterator

_SOI, _EOI, _SOS, _APP0, _APP14 = 0xD8, 0xD9, 0xDA, 0xE0, 0xEE
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
# Frames, tables (DHT, DAC, DQT, DNL, DRI) and scans: all that a picture is decoded by.
_PICTURE = {*_FRAMES, 0xC4, 0xCC, 0xDB, 0xDC, 0xDD, _SOS}
_MOST = 10_000  # segments; pictures have a hundred, bombs have millions
# In a scan: what is neither a byte 0xFF that belongs to it, nor a restart.
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")


def _segments(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """(marker, segment, the scan after it) up to the end of the first picture; rubbish between them is passed over."""
    at = data.find(b"\xff\xd8")
    if at < 0:
        return
    at += 2
    for _ in range(_MOST):
        if not (found := _MARKER.search(data, at)):
            return
        start, marker = found.start(), data[found.start() + 1]
        # another picture can begin only where this one was cut short
        if marker in (_SOI, _EOI):
            return
        at = start + 2 + max(2, int.from_bytes(data[start + 2 : start + 4], "big"))
        scan = b""
        if marker == _SOS:
            after = _MARKER.search(data, at)
            scan = data[at : after.start() if after else len(data)]
            yield marker, data[start:at], scan
            at += len(scan)
        else:
            yield marker, data[start:at], scan


def frame(data: bytes) -> tuple[int, int, int] | None:
    """(width, height, components) by the frame's own header."""
    for marker, segment, _ in _segments(data):
        if marker in _FRAMES and len(segment) >= 10:
            height, width = (int.from_bytes(segment[at : at + 2], "big") for at in (5, 7))
            return width, height, segment[9]
    return None


def stripped(data: bytes) -> bytes:
    """The same picture without EXIF (with its place and its own small picture), XMP, profiles and comments.

    APP0 (JFIF, without its small picture) and APP14 (Adobe: how colours are kept) say how to draw it and stay. What
    follows the picture goes: another picture, with what that one tells. → nothing where there is no picture.
    """
    kept = [b"\xff\xd8"]
    for marker, segment, scan in _segments(data):
        if marker in _PICTURE:
            kept += (segment, scan)
        elif marker == _APP0 and segment[4:9] == b"JFIF\0" and len(segment) >= 18:
            kept.append(b"\xff\xe0\0\x10" + segment[4:16] + b"\0\0")
        elif marker == _APP14 and segment[4:9] == b"Adobe" and len(segment) >= 16:
            kept.append(b"\xff\xee\0\x0e" + segment[4:16])
    return b"".join((*kept, b"\xff\xd9")) if len(kept) > 1 else b""
