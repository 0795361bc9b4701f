"""The table `keys`: data keys, wrapped; and among them what must outlive a change of `MASTER_KEY` (ids `secret:…`).

How a key is rotated, with chats going on:

1. Processes start with the new `MASTER_KEY` and the old one as `MASTER_KEY_OLD`: they read what either has wrapped and
   wrap with the new one. The first of them wraps the secrets anew, so that the old key alone opens this database no
   more, and leaves a mark under the old key, so that the new one alone does not open it yet. None starts beside a
   process that cannot read the new key (`storage/processes.py`).
2. `rotate` wraps all other rows anew, a chunk at a time. A row that was done, or deleted, is left alone: it may be
   killed at any point, and run again.
3. Once nothing is left under the old key the mark goes, and `MASTER_KEY_OLD` can be removed.
"""

import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from storage import audit, processes
from storage.database import Database, Row, Tx
from storage.vault import ROOT, Key, Tampered, Vault

CHUNK = 500
_SECRET = "secret:"  # noqa: S105  a prefix of ids
_MARK = f"{_SECRET}rotating"


class WrongKey(Exception):
    """A sentence for the operator."""


WRONG = "MASTER_KEY is not the one that this database was sealed with; nothing in it could be read. Put that one back."
ROOTLESS = "The root key was deleted from this database, by whomever. Restore a backup, and ask who had access."
UNFINISHED = "Not all keys are under this MASTER_KEY yet: set MASTER_KEY_OLD to the one before, run `kp7 keys rotate`."
BLIND = (
    "A process of KP7 runs on this database that cannot read the new MASTER_KEY: start it anew with MASTER_KEY and "
    "MASTER_KEY_OLD first. (If it was killed, wait a minute.)"
)
STILL_OLD = (
    "A process of KP7 still seals with the key before: start it anew with the new MASTER_KEY, and then run this again. "
    "(If it was killed, wait a minute.)"
)


async def by_id(tx: Tx, vault: Vault, id: str) -> Key | None:
    """None: whoever it belonged to has been erased."""
    row = await tx.one("SELECT wrapped FROM keys WHERE id = :id", {"id": id})
    return vault.unwrap(id, row["wrapped"]) if row else None


async def unfit(tx: Tx, master: bytes, old: bytes = b"") -> str:
    """Why these keys do not open this database, in a sentence; empty if they do. Changes nothing."""
    vault = Vault(master, old)
    secrets = await tx.all(SECRETS)
    if not _rooted(secrets):
        if await _new(tx):
            return ""
        secrets = await tx.all(SECRETS)  # another process may have opened it just now
    for row in secrets:
        if _opened(vault, row) is None:
            return UNFINISHED if row["id"] == _MARK else WRONG
    if not _rooted(secrets):
        if not secrets and (sample := await _sample(tx)) and not any(_opened(vault, row) for row in sample):
            return WRONG
        return ROOTLESS  # with a new one the audit log would begin anew, and nobody would miss the old
    if old and any(vault.fingerprints[0] not in reads for reads in await processes.keys_in_use(tx)):
        return BLIND  # it would lose what is sealed with a key that it cannot unwrap
    return ""


SECRETS = "SELECT id, wrapped FROM keys WHERE id LIKE 'secret:%' ORDER BY id"


def _rooted(secrets: Sequence[Row]) -> bool:
    return any(row["id"] == _SECRET + ROOT for row in secrets)


async def _sample(tx: Tx) -> list[Row]:
    """Some data keys: one damaged row alone says nothing."""
    return await tx.all("SELECT id, wrapped FROM keys WHERE id NOT LIKE 'secret:%' LIMIT 3")


async def _new(tx: Tx) -> bool:
    """Nobody has ever used this database. Only such a one is given a root."""
    tables = ("keys", "people", "accounts", "audit", "policy")
    anything = " UNION ALL ".join(f"SELECT 1 AS one FROM {table}" for table in tables)  # noqa: S608  names are ours
    return not await tx.one(f"SELECT one FROM ({anything}) AS found LIMIT 1")  # noqa: S608


def _opened(vault: Vault, row: Row) -> tuple[bytes, bool] | None:
    """What was wrapped, and whether under the old key; None if neither opens it."""
    try:
        return vault.bare(row["id"], row["wrapped"])
    except Tampered:
        return None


async def has_root(tx: Tx) -> bool:
    """False: this database was never opened, or not by a version that makes one."""
    return bool(await tx.one("SELECT 1 FROM keys WHERE id = :id", {"id": _SECRET + ROOT}))


async def vault_of(tx: Tx, master: bytes, old: bytes = b"") -> Vault:
    """The vault of a database that was opened before. Changes nothing. Raises `WrongKey`."""
    if why := await unfit(tx, master, old):
        raise WrongKey(why)
    return from_secrets(await tx.all(SECRETS), master, old)


async def open_vault(tx: Tx, master: bytes, old: bytes = b"") -> Vault:
    """The vault of this database, whose secrets are made at its first opening. Raises `WrongKey`."""
    if why := await unfit(tx, master, old):
        raise WrongKey(why)
    vault = Vault(master, old)
    if not await has_root(tx):  # of two processes, the one that inserts it first decides
        await tx.run(
            "INSERT INTO keys (id, wrapped) VALUES (:id, :wrapped) ON CONFLICT (id) DO NOTHING",
            {"id": _SECRET + ROOT, "wrapped": vault.wrap(_SECRET + ROOT, os.urandom(32))},
        )
    aged = False
    rows = await tx.all(SECRETS)
    for row in rows:
        secret, by_old = vault.bare(row["id"], row["wrapped"])
        if by_old and row["id"] != _MARK:
            aged = True
            again = {"id": row["id"], "wrapped": vault.wrap(row["id"], secret)}
            await tx.run("UPDATE keys SET wrapped = :wrapped WHERE id = :id", again)
    if aged:
        await tx.run(
            "INSERT INTO keys (id, wrapped) VALUES (:id, :wrapped) "
            "ON CONFLICT (id) DO UPDATE SET wrapped = excluded.wrapped",
            {"id": _MARK, "wrapped": Vault(old).wrap(_MARK, os.urandom(32))},
        )
    return from_secrets(rows, master, old)


def from_secrets(rows: Sequence[Row], master: bytes, old: bytes = b"") -> Vault:
    """The vault of a database whose `SECRETS` these are, as they are: nothing is written. Raises `WrongKey`."""
    vault, secrets = Vault(master, old), dict[str, bytes]()
    for row in rows:
        opened = _opened(vault, row)
        if opened is None:
            raise WrongKey(UNFINISHED if row["id"] == _MARK else WRONG)
        secrets[row["id"].removeprefix(_SECRET)] = opened[0]
    if ROOT not in secrets:
        raise WrongKey(ROOTLESS)
    secrets.pop(_MARK.removeprefix(_SECRET), None)
    return Vault(master, old, secrets)


@dataclass(frozen=True)
class Rotated:
    """A chunk: rows seen for the first time, wrapped anew, and damaged (no key opens them)."""

    seen: int
    done: int
    damaged: int


async def rotate(database: Database, vault: Vault, by: str, now: int) -> AsyncIterator[Rotated]:
    """Steps 2 and 3 of the protocol. Raises `WrongKey` while somebody still wraps with the old key."""
    rotated, found, again = 0, True, False
    while found:  # twice at least, for what was written behind our back
        found, after = False, ""
        while True:
            async with database.write() as tx:
                if any(reads[0] != vault.fingerprints[0] for reads in await processes.keys_in_use(tx)):
                    raise WrongKey(STILL_OLD)
                chunk, after = await _rewrap(tx, vault, after)
            rotated += chunk.done
            found = found or bool(chunk.done)
            yield Rotated(0, chunk.done, 0) if again else chunk
            if not after:
                break
        again = True
    async with database.write() as tx:
        if await tx.run("DELETE FROM keys WHERE id = :mark", {"mark": _MARK}) or rotated:
            detail = {"keys": rotated, "to": vault.fingerprints[0]}
            await audit.append(tx, vault, now, [audit.Line(by, "keys.rotated", None, detail)])


async def _rewrap(tx: Tx, vault: Vault, after: str) -> tuple[Rotated, str]:
    """→ and where to go on; empty at the end"""
    rows = await tx.all(
        f"SELECT id, wrapped FROM keys WHERE id > :after AND id <> :mark ORDER BY id LIMIT {CHUNK}",  # noqa: S608
        {"after": after, "mark": _MARK},
    )
    aged, damaged = [], 0
    for row in rows:
        match _opened(vault, row):
            case None:
                damaged += 1
            case secret, True:
                aged.append({"id": row["id"], "was": row["wrapped"], "wrapped": vault.wrap(row["id"], secret)})
    # a key that was destroyed meanwhile stays destroyed
    await tx.many("UPDATE keys SET wrapped = :wrapped WHERE id = :id AND wrapped = :was", aged)
    return Rotated(len(rows), len(aged), damaged), rows[-1]["id"] if len(rows) == CHUNK else ""
