"""One message between parent and child: a line of JSON about the bytes that follow it. Only the standard library."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

_HEAD = 4  # bytes that say how long the JSON is
MAX_HEADER = 1024 * 1024


class Nonsense(ValueError):
    """It is not a message."""


def pack(header: Mapping[str, Any], blobs: Sequence[bytes]) -> bytes:
    return b"".join(parts(header, blobs))


def parts(header: Mapping[str, Any], blobs: Sequence[bytes]) -> tuple[bytes, ...]:
    """The message in pieces, for whoever writes it: files are large, and are not copied for this."""
    words = json.dumps({**header, "sizes": [len(blob) for blob in blobs]}, allow_nan=False).encode()
    return (len(words).to_bytes(_HEAD, "big"), words, *blobs)


def unpack(message: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """→ the header and the blobs. Raises `Nonsense`, and nothing else, for whatever is not exactly a message."""
    length = int.from_bytes(message[:_HEAD], "big")
    if len(message) < _HEAD or not 2 <= length <= min(MAX_HEADER, len(message) - _HEAD):
        raise Nonsense("no header")
    try:
        header = json.loads(message[_HEAD : _HEAD + length])
    except (ValueError, RecursionError) as error:
        raise Nonsense("no JSON") from error
    sizes = header.pop("sizes", None) if isinstance(header, dict) else None
    if not isinstance(sizes, list) or not all(type(size) is int and size >= 0 for size in sizes):
        raise Nonsense("no sizes")
    start = _HEAD + length
    if start + sum(sizes) != len(message):
        raise Nonsense("sizes that do not add up")
    blobs = []
    for size in sizes:
        blobs.append(message[start : start + size])
        start += size
    return header, blobs
