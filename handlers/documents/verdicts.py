"""Verdicts on papers: one a version of a paper and level, whoever is first. Rows are only ever added.

1. the paper still waits, in that version and at that level: a conditional UPDATE, whose count decides who was first;
2. the verdict, in the same transaction, bound to the hash of what was seen and to the officer's grant by a MAC: a paper
   counts as approved for what leaves the house (export) only if its verdict was given by KP7;
3. its owner is told, some minutes later and all at once (`notices` of the review topic).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from handlers.documents.owner import readable
from storage.database import Row, Tx
from storage.ids import new_id
from storage.macs import fits, mac
from storage.vault import Key, Vault

Verdict = Literal["approved", "returned", "waived"]
_BOUND = (
    "id", "paper_id", "campaign_id", "person_id", "slot", "version", "level", "content_index", "verdict", "key_id",
    "detail", "until", "officer_id", "grant_id", "at",
)  # fmt: skip


@dataclass(frozen=True)
class Returned:
    """Why a paper came back, and until when it is wanted again. `reason`: a code; `words`: the officer's own."""

    reason: str
    words: str = field(repr=False)
    until: date


async def give(
    tx: Tx,
    vault: Vault,
    key: Key,
    paper: Row,
    verdict: Verdict,
    *,
    last_level: bool,
    officer: str,
    grant: str,
    now: int,
    reason: str = "",
    words: str = "",
    until: date | None = None,
) -> bool:
    """`paper`: the row as it was seen. `key`: the owner's. `last_level`: approving it is final. False: somebody else
    was first, or it has changed."""
    goes_on = verdict == "approved" and not last_level
    state = paper["state"] if goes_on else verdict
    won = await tx.run(
        "UPDATE papers SET state = :next, level = :next_level WHERE id = :id AND version = :version "
        "AND level = :level AND state = :state",
        {
            "id": paper["id"],
            "version": paper["version"],
            "level": paper["level"],
            "state": paper["state"],
            "next": state,
            "next_level": paper["level"] + 1 if goes_on else paper["level"],
        },
    )
    if won != 1:
        return False
    id = new_id()
    row = {
        "id": id,
        "paper_id": paper["id"],
        "campaign_id": paper["campaign_id"],
        "person_id": paper["person_id"],
        "slot": paper["slot"],
        "version": paper["version"],
        "level": paper["level"],
        "content_index": paper["content_index"],
        "verdict": verdict,
        "key_id": key.id,
        "detail": key.seal({"reason": reason, "words": words}, "verdicts", id, "detail"),
        "until": until.isoformat() if until else None,
        "officer_id": officer,
        "grant_id": grant,
        "at": now,
    }
    written = await tx.run(
        f"INSERT INTO verdicts ({', '.join(_BOUND)}, mac) VALUES ({', '.join(f':{name}' for name in _BOUND)}, :mac) "  # noqa: S608
        "ON CONFLICT (paper_id, version, level) DO NOTHING",
        {**row, "mac": mac(vault.secret("verdicts"), *(row[name] for name in _BOUND))},
    )
    if written != 1:
        raise RuntimeError("a verdict on a paper that waits for one")
    return True


def genuine(vault: Vault, row: Mapping[str, Any]) -> bool:
    """Did KP7 give it?"""
    return fits(row["mac"], vault.secret("verdicts"), *(row[name] for name in _BOUND))


_RETURNED = """
SELECT v.*, k.wrapped FROM each(:batch) e
JOIN papers p ON p.person_id = e.value ->> 'person' AND p.campaign_id = e.value ->> 'campaign' AND p.state = 'returned'
JOIN verdicts v ON v.paper_id = p.id AND v.version = p.version AND v.verdict = 'returned'
JOIN keys k ON k.id = v.key_id ORDER BY v.at, v.id
"""


async def returned(tx: Tx, vault: Vault, wanted: Sequence[Mapping[str, str]]) -> dict[str, dict[str, Returned]]:
    """`wanted`: {person, campaign}. → by person, by slot"""
    found: dict[str, dict[str, Returned]] = {}
    for row in await tx.each(_RETURNED, wanted):
        with readable("verdicts", row["id"]):
            key = vault.unwrap(row["key_id"], row["wrapped"])
            detail = key.open(row["detail"], "verdicts", row["id"], "detail")
            if row["until"] and genuine(vault, row):
                why = Returned(detail["reason"], detail["words"], date.fromisoformat(row["until"]))
                found.setdefault(row["person_id"], {})[row["slot"]] = why
    return found


async def of_paper(tx: Tx, paper_id: str) -> list[Row]:
    """Rows on every version of it, oldest first."""
    return await tx.all("SELECT * FROM verdicts WHERE paper_id = :id ORDER BY at, id", {"id": paper_id})
