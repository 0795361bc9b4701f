"""Row ids: 26 characters that sort by time, unguessable in their second half.

They are made here rather than by the database because a sealed value is bound to the id of its row, which must
therefore be known before the row exists.
"""

import os
import threading
import time
import uuid
from typing import TypeGuard

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """48 bits of milliseconds, 80 random bits; within one process each is greater than the one before."""
    global _last
    value = (int(time.time() * 1000) << 80) | int.from_bytes(os.urandom(10))
    with _lock:
        if value <= _last:
            value = _last + 1 + int.from_bytes(os.urandom(4))
        _last = value
    return "".join([_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)])


def time_of(id: str) -> int:
    """Milliseconds since 1970 at which an id was made; 0 for anything that is not an id."""
    try:
        value = 0
        for char in id[:10]:
            value = value << 5 | _ALPHABET.index(char)
    except ValueError:
        return 0
    return value if len(id) == 26 else 0


def uuid_of(id: str) -> str:
    """The same id in the form that other systems want (LINE's retry keys)."""
    value = 0
    for char in id:
        value = value << 5 | _ALPHABET.index(char)
    return str(uuid.UUID(int=value & (1 << 128) - 1, version=4))


def is_plain(value: object) -> TypeGuard[str]:
    """Words as ids and codes are: SQLite lets whoever edits the file put bytes anywhere, and words that are none."""
    return isinstance(value, str) and value.isascii()
