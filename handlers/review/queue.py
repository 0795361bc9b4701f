"""What waits for an officer, oldest first: papers, waivers, and what people ask for in their chats; after all of these
what anybody can bring about who knows an ID, so that no flood of it keeps papers back.

Whose something is, where they belong and what was asked must have been written by KP7 (`storage/seals.py`): else it is
not there. It is counted all the same: to count, nothing is opened.

Nothing is stored about a queue: it is what has no verdict yet, in the units of whoever asks. `seen` names what was on
the screen; a button, a page or a key that names another one comes too late.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import structlog

from bot.flow import digest
from bot.values import frozen
from handlers.organisation.roles import Action, Officer
from storage.database import Row, Tx
from storage.ids import is_plain
from storage.seals import CHECKS, PEOPLE, REQUESTS, ours
from storage.vault import Vault

log = structlog.get_logger()

Kind = Literal["paper", "paper2", "waiver", "identity", "lock", "relink", "help"]
KINDS: tuple[Kind, ...] = get_args(Kind)
PAPERS: tuple[Kind, ...] = ("paper", "paper2")  # of which there is something to look at
PAPERS_AND_WAIVERS: tuple[Kind, ...] = (*PAPERS, "waiver")

STRANGERS: tuple[Kind, ...] = ("identity", "lock")  # what anybody can bring about, as often as they type IDs

LAST = 1 << 62  # milliseconds: no moment is later
BEHIND = 10**14  # milliseconds: further away than any two moments

# What an officer must be allowed to do to see such an item at all, and to decide it.
NEEDS: Mapping[Kind, Action] = {
    "paper": "review",
    "paper2": "review2",
    "waiver": "waive",
    "identity": "identity",
    "lock": "unlock",
    "relink": "relink",
    "help": "help",
}


@frozen
class Item:
    """One thing that waits. `kind`, `id`: which. `version`, `content`: what exactly waits. `unit`: code of the
    organisation whose officers see it. `slot`, `campaign`: of papers. `asked_at` in milliseconds."""

    kind: Kind
    id: str
    owner: str
    unit: str
    asked_at: int
    version: int = 0
    level: int = 1
    content: str = ""
    campaign: str = ""
    slot: str = ""

    @property
    def place(self) -> tuple[int, str]:
        """By it items are in order."""
        return self.asked_at + (BEHIND if self.kind in STRANGERS else 0), self.id

    @property
    def seen(self) -> str:
        return digest(self.kind, self.id, self.version, self.level, self.content)[:8]


_WAITING = f"""
SELECT i.*, i.asked_at + CASE WHEN i.kind IN {STRANGERS} THEN {BEHIND} ELSE 0 END AS place,
       w.organisation_code AS unit FROM (
    SELECT CASE WHEN p.state = 'waiting' THEN 'waiver' WHEN p.level > 1 THEN 'paper2' ELSE 'paper' END AS kind,
           p.id AS id, p.person_id AS owner, CASE WHEN p.submitted_at BETWEEN 0 AND {BEHIND}  -- else it was edited
           THEN CAST(p.submitted_at AS BIGINT) ELSE 0 END AS asked_at, p.version AS version, p.level AS level,
           p.content_index AS content, p.campaign_id AS campaign, p.slot AS slot
    FROM papers p WHERE p.state IN ('submitted', 'waiting')
    UNION ALL
    SELECT 'identity', c.id, o.id, c.asked_at, 0, 1, NULL, NULL, NULL
    FROM identity_checks c JOIN people o ON o.id_index = c.id_index WHERE c.decided_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.person_id = o.id AND g.ended_at IS NULL)  -- those are the operator's
    UNION ALL
    SELECT r.kind, r.id, r.person_id, r.asked_at, r.version, 1, NULL, NULL, NULL FROM requests r
    WHERE r.decided_at IS NULL
) AS i JOIN people w ON w.id = i.owner
"""  # noqa: S608  its parts are constants

_OF_UNITS = """
JOIN each(:batch) e ON e.value ->> 'kind' = i.kind AND e.value ->> 'unit' = w.organisation_code
WHERE i.owner <> :me
"""


async def waiting(
    tx: Tx,
    vault: Vault,
    officer: Officer,
    *,
    after: tuple[int, str] = (-1, ""),
    most: int = 50,
    kinds: Sequence[Kind] = KINDS,
    units: Sequence[str] = (),
    slots: str = "%",
    since: int = -1,
    before: int = LAST,
) -> list[Item]:
    """At most `most` items that this officer may decide, after that one (`Item.place`). `units`: only of these.
    `slots`: a pattern of LIKE. `since`, `before`: only what was asked for after the one, and by the other."""
    found: list[Item] = []
    read = 0
    while len(found) < most:  # what is not ours keeps nothing else from being seen
        rows = await tx.each(
            f"SELECT x.* FROM ({_WAITING} {_OF_UNITS} AND i.asked_at > :since AND i.asked_at <= :before "  # noqa: S608
            "AND COALESCE(i.slot, '') LIKE :slots) AS x WHERE x.place > :at OR (x.place = :at AND x.id > :id) "
            "ORDER BY x.place, x.id LIMIT :most OFFSET :read",
            _batch(officer, kinds, units),
            {
                "me": officer.person_id,
                "at": after[0],
                "id": after[1],
                "most": most,
                "read": read,
                "slots": slots,
                "since": since,
                "before": before,
            },
        )
        found += await _ours(tx, vault, _items(rows))
        read += len(rows)  # an edited id is no place to go on from
        if len(rows) < most:
            break
    return found[:most]


async def _ours(tx: Tx, vault: Vault, items: Sequence[Item]) -> list[Item]:
    owners = await ours(tx, vault, PEOPLE, (item.owner for item in items))
    checks = await ours(tx, vault, CHECKS, (item.id for item in items if item.kind == "identity"))
    asked = await ours(tx, vault, REQUESTS, (item.id for item in items if item.kind in ("lock", "relink", "help")))
    found = []
    for item in items:
        there = item.owner in owners and owners[item.owner]["organisation_code"] == item.unit
        written = item.kind in PAPERS_AND_WAIVERS or item.id in checks or item.id in asked
        if there and written:
            found.append(item)
    return found


async def counts(tx: Tx, officer: Officer, since: int = -1, upto: int = LAST) -> Mapping[Kind, int]:
    """How many items of each kind wait that were asked for after `since`, and not after `upto`."""
    rows = await tx.each(
        f"SELECT x.kind, COUNT(*) AS n FROM ({_WAITING} {_OF_UNITS} AND i.asked_at > :since AND i.asked_at <= :upto) "  # noqa: S608
        "AS x GROUP BY x.kind",
        _batch(officer, KINDS, ()),
        {"me": officer.person_id, "since": since, "upto": upto},
    )
    return {row["kind"]: row["n"] for row in rows}


async def newest(tx: Tx, upto: int) -> int | None:
    """When the last of all that wait, whoever it waits for, was asked for; not after `upto`. None: nothing waits."""
    latest = f"SELECT MAX(x.asked_at) AS newest FROM ({_WAITING}) AS x WHERE x.asked_at BETWEEN 0 AND :upto"  # noqa: S608
    row = await tx.one(latest, {"upto": upto})
    return int(row["newest"]) if row and row["newest"] is not None else None


async def find(tx: Tx, vault: Vault, officer: Officer, id: str) -> Item | None:
    """None: it does not wait (any more), or is none of this officer's business: nobody learns which."""
    rows = await tx.each(
        f"{_WAITING} {_OF_UNITS} AND i.id = :id", _batch(officer, KINDS, ()), {"me": officer.person_id, "id": id}
    )
    found = await _ours(tx, vault, _items(rows))
    return found[0] if found else None


def _batch(officer: Officer, kinds: Sequence[Kind], units: Sequence[str]) -> list[dict[str, str]]:
    return [
        {"kind": kind, "unit": unit}
        for kind in kinds
        for unit in sorted(officer.units(NEEDS[kind]))
        if not units or unit in units
    ]


def _items(rows: Sequence[Row]) -> list[Item]:
    """Those that can be named."""
    found = []
    for row in rows:
        if is_plain(row["id"]) and is_plain(row["owner"]):
            found.append(_item(row))
        else:
            log.error("item_unreadable", kind=row["kind"], error="id")
    return found


def _item(row: Row) -> Item:
    return Item(
        kind=row["kind"],
        id=row["id"],
        owner=row["owner"],
        unit=row["unit"],
        asked_at=row["asked_at"],
        version=row["version"],
        level=row["level"],
        content=_plain(row["content"]),
        campaign=_plain(row["campaign"]),
        slot=_plain(row["slot"]),
    )


def _plain(value: object) -> str:
    """What none of ours can be is none of ours: `describe` says so."""
    return value if is_plain(value) else "?" if value else ""
