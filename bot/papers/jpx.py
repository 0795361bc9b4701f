"""What a JPEG 2000 says besides its picture, taken out without touching the picture. Pure. ISO/IEC 15444-1, A and I."""

from collections.abc import Iterator

_KEPT = {b"jP  ", b"ftyp", b"jp2h"}
_HEADER = {b"ihdr", b"bpcc", b"colr", b"pclr", b"cmap", b"cdef"}
_SOC, _SIZ, _COM, _SOT, _SOD = b"\xff\x4f", b"\xff\x51", b"\xff\x64", b"\xff\x90", b"\xff\x93"
_MOST = 100_000  # boxes or segments; a picture in many tiles has some thousands


class Damaged(Exception):
    """Neither what it claims to be nor anything that could be mended."""


def size(data: bytes) -> tuple[int, int]:
    """(width, height). Raises `Damaged`."""
    stream = _codestream(data)
    if len(stream) < 24 or stream[:4] != _SOC + _SIZ:
        raise Damaged
    right, bottom, left, top = (int.from_bytes(stream[at : at + 4], "big") for at in (8, 12, 16, 20))
    return max(0, right - left), max(0, bottom - top)


def stripped(data: bytes) -> bytes:
    """The same picture without EXIF, XMP, other boxes, what follows it, and what its comments say. Raises `Damaged`."""
    picture = _silent(_codestream(data))
    if data.startswith(_SOC):
        return picture
    kept = []
    for kind, inside in _boxes(data):
        if kind == b"jp2c":
            break
        if kind == b"jp2h":
            inside = b"".join(_box(*box) for box in _boxes(inside) if box[0] in _HEADER)
        if kind in _KEPT:
            kept.append(_box(kind, inside))
    return b"".join((*kept, _box(b"jp2c", picture)))


def _box(kind: bytes, inside: bytes) -> bytes:
    return (len(inside) + 8).to_bytes(4, "big") + kind + inside


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(kind, what is inside) of each."""
    at = 0
    for _ in range(_MOST):
        if at == len(data):
            return
        length, kind, begins = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], at + 8
        if length == 1:
            length, begins = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        # nought: up to the end. The picture itself may be cut short, as everywhere.
        ends = len(data) if length == 0 or (kind == b"jp2c" and at + length > len(data)) else at + length
        if not begins <= ends <= len(data):
            raise Damaged
        yield kind, data[begins:ends]
        at = ends
    raise Damaged


def _codestream(data: bytes) -> bytes:
    if data.startswith(_SOC):
        return data
    for kind, inside in _boxes(data):
        if kind == b"jp2c":
            return inside
    raise Damaged


def _silent(stream: bytes) -> bytes:
    """Comments become zeros of the same length, as tiles are found by lengths; what follows the last tile goes."""
    if not stream.startswith(_SOC):
        raise Damaged
    quiet = bytearray(stream)
    at, tile = 2, 0  # `tile`: where the tile at hand ends, 0 before the first
    for _ in range(_MOST):
        marker = stream[at : at + 2]
        if len(marker) < 2 or marker == b"\xff\xd9":
            return bytes(quiet[: at + 2])
        if marker == _SOD:
            at = tile
            continue
        length = int.from_bytes(stream[at + 2 : at + 4], "big")
        if marker[0] != 0xFF or length < 2:
            raise Damaged
        if marker == _SOT:
            part = int.from_bytes(stream[at + 6 : at + 10], "big")
            tile = at + part if part else len(stream)
            if tile < at + 12:
                raise Damaged
        elif marker == _COM:
            begins, ends = min(at + 6, len(stream)), min(at + 2 + length, len(stream))
            quiet[begins:ends] = bytes(max(0, ends - begins))
        at += 2 + length
    raise Damaged
