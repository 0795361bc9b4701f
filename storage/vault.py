"""Sealing: nothing personal stands in the database, in files or in backups in plain text.

Each person and each chat has a random 256-bit data key. It lies in `keys`, wrapped by a key made from `MASTER_KEY`;
destroying that row makes everything sealed with it unreadable, in backups too. A sealed value is AES-256-GCM, bound to
table, row and column, so that a value moved elsewhere does not open:

    version "." key id "." base64url(nonce ‖ ciphertext ‖ tag)

What must be found again (an ID number, an address) has a blind index: HMAC-SHA-256 under a key of its own. That key,
and those for signing and hashing, come from a random root which lies in `keys` like a data key (`storage/keys.py`), so
that they stay what they are when `MASTER_KEY` is changed.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from storage.ids import new_id

VERSION = "1"
_NONCE = 12
SEAL = _NONCE + 16  # bytes that sealing adds to a part of a file
KEYS_AT_HAND = 4_096
ROOT = "root"


class Tampered(Exception):
    """A sealed value does not open: edited, moved from elsewhere, or its key is gone."""


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _derive(root: bytes, use: str) -> bytes:
    return HKDF(SHA256(), 32, salt=b"kp7", info=use.encode()).derive(root)


class Key:
    """One unwrapped data key."""

    __slots__ = ("_aead", "id")

    def __init__(self, id: str, secret: bytes) -> None:
        self.id = id
        self._aead = AESGCM(secret)

    def seal(self, value: Any, *place: str) -> str:
        """`value`: JSON, its integers of at most 64 bits. `place`: table, row id, column."""
        nonce = os.urandom(_NONCE)
        plain = orjson.dumps(value)
        return f"{VERSION}.{self.id}.{_b64(nonce + self._aead.encrypt(nonce, plain, _bound(self.id, place)))}"

    def seal_bytes(self, data: bytes, *place: str) -> bytes:
        """Part of a file (`storage/frames.py`): nonce ‖ ciphertext ‖ tag. The file's row says which key it was."""
        nonce = os.urandom(_NONCE)
        return nonce + self._aead.encrypt(nonce, data, _bound(self.id, place))

    def open_bytes(self, sealed: bytes, *place: str) -> bytes:
        try:
            return self._aead.decrypt(sealed[:_NONCE], memoryview(sealed)[_NONCE:], _bound(self.id, place))
        except (InvalidTag, ValueError) as error:
            raise Tampered(place[0]) from error

    def open(self, sealed: object, *place: str) -> Any:
        """`sealed`: whatever stands there; in SQLite that may be anything."""
        if not isinstance(sealed, str):
            raise Tampered(place[0])
        version, _, rest = sealed.partition(".")
        key_id, _, body = rest.partition(".")
        if version != VERSION or key_id != self.id:
            raise Tampered(place[0])
        try:
            data = _unb64(body)
            return orjson.loads(self._aead.decrypt(data[:_NONCE], data[_NONCE:], _bound(self.id, place)))
        except (InvalidTag, ValueError) as error:
            raise Tampered(place[0]) from error


def _bound(key_id: str, place: Iterable[str]) -> bytes:
    return "\x1f".join((VERSION, key_id, *place)).encode()


class Keyring:
    """The keys at hand for one event or row; opens a value with whichever of them sealed it."""

    def __init__(self, *keys: Key | None) -> None:
        self._keys = {key.id: key for key in keys if key}

    def open(self, sealed: object, *place: str) -> Any:
        parts = sealed.split(".", 2) if isinstance(sealed, str) else ()
        key = self._keys.get(parts[1]) if len(parts) == 3 else None
        if key is None:
            raise Tampered(place[0])
        return key.open(sealed, *place)


class Vault:
    """What opens the database. `storage.keys.open_vault` makes the one that fits.

    `master`: wraps data keys; at least 32 bytes (`MASTER_KEY`, see `.env.example`). `old`: the one before it, which
    still unwraps while keys are rotated. `secrets`: what lies in the database besides: `ROOT`, and by use what is not
    made from it. Without a root `master` is one, as it was in databases from before there were roots.
    """

    def __init__(self, master: bytes, old: bytes = b"", secrets: Mapping[str, bytes] | None = None) -> None:
        if len(master) < 32 or (old and len(old) < 32):
            raise ValueError("MASTER_KEY is shorter than 32 bytes")
        self._wrapping = AESGCM(_derive(master, "wrap"))
        self._unwrapping = (self._wrapping, *([AESGCM(_derive(old, "wrap"))] if old else []))
        self._secrets = dict(secrets or {})
        self._root = self._secrets.pop(ROOT, master)
        self._opened = lru_cache(KEYS_AT_HAND)(self._open_key)
        self._index = self.made("index")
        self.fingerprints = tuple(_derive(key, "fingerprint").hex()[:16] for key in (master, old) if key)

    def made(self, use: str) -> bytes:
        """A key of its own for whatever `use` names."""
        if use not in self._secrets:
            self._secrets[use] = _derive(self._root, use)
        return self._secrets[use]

    def secret(self, use: str) -> bytes:
        """A 32-byte key for one named use (signing buttons, hashing codes)."""
        return self.made(f"use:{use}")

    def index(self, kind: str, value: str) -> str:
        """Blind index: the same value gives the same 43 characters, which tell nothing without the key."""
        return _b64(hmac.digest(self._index, f"{kind}\x1f{value}".encode(), hashlib.sha256))

    def new_key(self) -> tuple[Key, str]:
        """A fresh data key, and its wrapped form for the table `keys`."""
        id, secret = new_id(), os.urandom(32)
        return Key(id, secret), self.wrap(id, secret)

    def wrap(self, id: str, secret: bytes) -> str:
        nonce = os.urandom(_NONCE)
        return _b64(nonce + self._wrapping.encrypt(nonce, secret, _bound(id, ("keys",))))

    def unwrap(self, id: str, wrapped: str) -> Key:
        """Remembered under what lies in the table: a key whose row was destroyed can no longer be asked for."""
        return self._opened(id, wrapped)

    def _open_key(self, id: str, wrapped: str) -> Key:
        return Key(id, self.bare(id, wrapped)[0])

    def bare(self, id: str, wrapped: str) -> tuple[bytes, bool]:
        """What was wrapped, and whether under `old`. Raises `Tampered`."""
        for wrapping in self._unwrapping:
            try:
                data = _unb64(wrapped)
                return wrapping.decrypt(data[:_NONCE], data[_NONCE:], _bound(id, ("keys",))), wrapping != self._wrapping
            except (InvalidTag, ValueError, TypeError):
                continue
        raise Tampered("keys")

    def key_of(self, row: Mapping[str, Any], prefix: str = "") -> Key | None:
        """The key of a row that was joined with `keys` as `<prefix>key_id`, `<prefix>wrapped`."""
        wrapped = row.get(f"{prefix}wrapped")
        return self.unwrap(row[f"{prefix}key_id"], wrapped) if wrapped else None
