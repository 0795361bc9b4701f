"""Addresses that are good for a while, for whoever knows them: `/f/<token>` shows one picture. Pure.

A token is `<id of the file>.<id of a key>.<until when>.<mac>`. The MAC's key signs pictures only, so no other id leads
anywhere; and what is not a token of ours, or too old, is refused before anything is looked up. The key is that of
whoever was to see the picture, and nothing else opens the file: another's file, named in a row of theirs, stays shut.
"""

import base64
import hashlib
import hmac
import re

from bot.times import DAY, SECOND

PREFIX = "/f/"
LIVES = DAY
LONGEST = 120  # characters of a token
_TOKEN = re.compile(r"([0-9A-Za-z-]{1,64})\.([0-9A-Za-z-]{1,64})\.([0-9a-f]{1,12})\.([0-9A-Za-z_-]{32})", re.ASCII)


class Links:
    """`secret`: of 32 bytes, for nothing else."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def picture(self, id: str, key_id: str, now: int) -> str:
        """The path under which this file, a JPEG, is shown for a day from `now` on (milliseconds). `key_id`: of the
        person who is to see it."""
        until = f"{(now + LIVES) // SECOND:x}"
        return f"{PREFIX}{id}.{key_id}.{until}.{self._mac(id, key_id, until)}"

    def read(self, token: str, now: int) -> tuple[str, str] | None:
        """The ids of the file and of the key, or None for anything that was not made here, or is over."""
        found = _TOKEN.fullmatch(token) if len(token) <= LONGEST else None
        if found is None:
            return None
        id, key_id, until, mac = found.groups()
        genuine = hmac.compare_digest(mac, self._mac(id, key_id, until))
        return (id, key_id) if genuine and now < int(until, 16) * SECOND else None

    def _mac(self, *parts: str) -> str:
        digest = hmac.digest(self._secret, "\x1f".join(parts).encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest[:24]).decode()
