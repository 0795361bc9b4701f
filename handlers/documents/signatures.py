"""Signatures: lines that a finger drew, kept sealed with the person's key.

Points are [x, y] in thousandths of the width of the field they were drawn in, y downwards.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from bot.papers.shapes import MAX_POINTS, Stroke
from handlers.documents.owner import readable
from storage.database import Tx
from storage.vault import Key, Vault

INK_LEAST = 120.0  # all lines together: less is a slip of the finger
STROKES_MOST = 1_000
FARTHEST = 1e6
_PLACE = ("signatures", "strokes")


def read(given: object) -> tuple[Stroke, ...]:
    """What a browser sent. Raises `ValueError` for what is no drawing."""
    if not isinstance(given, list) or len(given) > STROKES_MOST:
        raise ValueError("no list of strokes")
    strokes = tuple(tuple(_point(point) for point in _list(stroke)) for stroke in given)
    if sum(map(len, strokes)) > MAX_POINTS:
        raise ValueError("more points than anybody draws")
    return tuple(stroke for stroke in strokes if stroke)


def _list(given: object) -> list[object]:
    if not isinstance(given, list) or len(given) > MAX_POINTS:
        raise ValueError("no list of points")
    return given


def _point(given: Any) -> tuple[float, float]:
    if isinstance(given, list) and len(given) == 2 and all(map(_is_near, given)):
        return float(given[0]), float(given[1])
    raise ValueError("no point")


def _is_near(given: Any) -> bool:
    return type(given) in (int, float) and abs(given) < FARTHEST


def ink(strokes: tuple[Stroke, ...]) -> float:
    """The length of all lines."""
    return sum(math.dist(one, other) for stroke in strokes for one, other in pairwise(stroke))


async def save(tx: Tx, person_id: str, key: Key, strokes: tuple[Stroke, ...], now: int) -> None:
    """In place of the one before. `key`: the person's."""
    table, column = _PLACE
    await tx.run(
        "INSERT INTO signatures (person_id, key_id, strokes, at) VALUES (:person, :key, :strokes, :now) "
        "ON CONFLICT (person_id) DO UPDATE SET key_id = excluded.key_id, strokes = excluded.strokes, at = excluded.at",
        {"person": person_id, "key": key.id, "strokes": key.seal(strokes, table, person_id, column), "now": now},
    )


async def kept(tx: Tx, person_id: str, key: Key) -> tuple[Stroke, ...]:
    """Empty where there is none. Raises `vault.Tampered`."""
    row = await tx.one("SELECT strokes FROM signatures WHERE person_id = :person", {"person": person_id})
    if row is None:
        return ()
    table, column = _PLACE
    return tuple(tuple((x, y) for x, y in stroke) for stroke in key.open(row["strokes"], table, person_id, column))


async def whose(tx: Tx, vault: Vault, people: Sequence[str]) -> frozenset[str]:
    """Who of them has left a signature that opens."""
    table, column = _PLACE
    found = set()
    for row in await tx.each(
        "SELECT s.*, k.wrapped FROM each(:batch) e JOIN signatures s ON s.person_id = e.value ->> 'id' "
        "JOIN keys k ON k.id = s.key_id",
        [{"id": id} for id in people],
    ):
        with readable(table, row["person_id"]):
            vault.unwrap(row["key_id"], row["wrapped"]).open(row["strokes"], table, row["person_id"], column)
            found.add(row["person_id"])
    return frozenset(found)
