"""Papers in the database, and who may change what when.

A paper is `taken` (not certified yet), then `received`; see `rules.State` for what follows. `version` grows with each
change of its files, and whoever changes it names the version they have seen. Sealed `detail`: sheets, repaired, marks
(`looking.py`), stamped (the pages that bear our mark, from 1), and sha256 of what HR is to see.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from handlers.documents import drafts
from handlers.documents.owner import Owner, hold, ids_in, owners_key, readable
from handlers.documents.rules import place, slot_of
from storage import files
from storage.database import Row, Tx
from storage.ids import new_id
from storage.vault import Vault

OPEN = "('taken', 'received', 'asked', 'returned')"  # a paper that its owner may still change
NEVER_HANDED_IN = "('taken', 'received', 'asked')"


@dataclass(frozen=True)
class Paper:
    id: str
    slot: str
    version: int
    state: str
    certified: str
    file: str | None
    stamped: str | None
    preview: str | None
    submitted_at: int
    detail: Mapping[str, Any] = field(repr=False)


# --- reading ----------------------------------------------------------------------------------------------------------

_PAPERS = """
SELECT p.*, k.wrapped, w.key_id AS whose FROM each(:batch) e JOIN papers p ON p.person_id = e.value ->> 'person'
AND p.campaign_id = e.value ->> 'campaign' JOIN people w ON w.id = p.person_id
JOIN keys k ON k.id = p.key_id
"""


async def papers(tx: Tx, vault: Vault, wanted: Sequence[Mapping[str, str]]) -> dict[str, dict[str, Paper]]:
    """`wanted`: {person, campaign}, one campaign a person. → by person, by slot, without what does not open"""
    found: dict[str, dict[str, Paper]] = {}
    for row in await tx.each(_PAPERS, wanted):
        with readable("papers", row["id"]):
            found.setdefault(row["person_id"], {})[row["slot"]] = _paper(vault, row)
    return found


async def paper_of(tx: Tx, vault: Vault, owner: Owner, slot: str) -> Paper | None:
    return (await papers(tx, vault, [owner.row])).get(owner.person, {}).get(slot)


def _paper(vault: Vault, row: Row) -> Paper:
    key = owners_key(vault, row, "papers")
    return Paper(
        id=row["id"],
        slot=row["slot"],
        version=row["version"],
        state=row["state"],
        certified=row["certified"],
        file=row["file_id"],
        stamped=row["stamped_id"],
        preview=row["preview_id"],
        submitted_at=row["submitted_at"] or 0,
        detail=key.open(row["detail"], "papers", row["id"], "detail"),
    )


# --- papers -----------------------------------------------------------------------------------------------------------


async def make(
    tx: Tx,
    owner: Owner,
    slot: str,
    state: str,
    kept: Sequence[str | None],
    detail: Mapping[str, Any],
    now: int,
) -> bool:
    """A paper, of these files (its PDF, its preview), which something holds. False: there is one already."""
    id = new_id()
    file, preview = kept
    made = await tx.run(
        "INSERT INTO papers (id, campaign_id, person_id, slot, version, state, certified, key_id, file_id, preview_id, "
        "detail, at) VALUES (:id, :campaign, :person, :slot, :version, :state, '', :key, :file, :preview, :detail, "
        ":now) ON CONFLICT (campaign_id, person_id, slot) DO NOTHING",
        {
            **owner.row,
            "id": id,
            "slot": slot,
            "version": now,  # a paper that is discarded and made anew has no version that was seen before
            "state": state,
            "key": owner.key.id,
            "file": file,
            "preview": preview,
            "detail": owner.key.seal(dict(detail), "papers", id, "detail"),
            "now": now,
        },
    )
    return made == 1


async def certify(
    tx: Tx,
    owner: Owner,
    paper: Paper,
    how: str,
    detail: Mapping[str, Any],
    now: int,
    kept: Sequence[str] = (),
) -> bool:
    """`how`: hand, or phone with the stamped PDF and its preview in `kept`. False: it has changed since."""
    stamped, preview = kept or (None, paper.preview)
    changed = await tx.run(
        "UPDATE papers SET state = 'received', certified = :how, stamped_id = :stamped, preview_id = :preview, "
        "version = :next, detail = :detail, at = :now WHERE id = :id AND version = :version "
        "AND state IN ('taken', 'received', 'returned')",
        {
            "id": paper.id,
            "how": how,
            "stamped": stamped,
            "preview": preview,
            "version": paper.version,
            "next": max(paper.version + 1, now),
            "detail": owner.key.seal(dict(detail), "papers", paper.id, "detail"),
            "now": now,
        },
    )
    if changed != 1:
        return False
    await hold(tx, owner, kept)
    replaced = (paper.stamped, paper.preview if kept else None)
    await files.drop(tx, [id for id in replaced if id], now)
    return True


async def hint(tx: Tx, owner: Owner, paper: Paper, marks: Sequence[bool | None]) -> bool:
    """What is seen on its pages, which changes nothing else of it. False: it has changed since."""
    changed = await tx.run(
        "UPDATE papers SET detail = :detail WHERE id = :id AND version = :version AND file_id = :file",
        {
            "id": paper.id,
            "version": paper.version,
            "file": paper.file,
            "detail": owner.key.seal({**paper.detail, "marks": list(marks)}, "papers", paper.id, "detail"),
        },
    )
    return changed == 1


async def discard(tx: Tx, owner: Owner, slot: str, now: int) -> bool:
    """The paper and all that was sent for it. False: it has been handed in."""
    whose, row = "campaign_id = :campaign AND person_id = :person AND slot = :slot", {**owner.row, "slot": slot}
    if await tx.one(f"SELECT 1 FROM papers WHERE {whose} AND state NOT IN {OPEN}", row):  # noqa: S608
        return False
    await drop_open(tx, whose, row, now)
    return True


async def drop_open(tx: Tx, whose: str, row: Mapping[str, str], now: int, states: str = OPEN) -> int:
    """What was sent and is not handed in: papers in these states, and the pages that they are made of or might have
    been. `whose`: SQL of papers and pages alike, with the values in `row`. → of how many people"""
    gone = await tx.all(
        f"DELETE FROM papers WHERE {whose} AND state IN {states} "  # noqa: S608
        "RETURNING person_id, file_id, stamped_id, preview_id",
        row,
    )
    gone += await tx.all(f"DELETE FROM pages WHERE {whose} RETURNING person_id, file_id, preview_id", row)  # noqa: S608
    people = {one.pop("person_id") for one in gone}
    await files.drop(tx, ids_in(gone), now)
    return len(people)


async def there(tx: Tx, owner: Owner, slot: str) -> bool:
    """Also one that does not open."""
    row = "SELECT 1 FROM papers WHERE campaign_id = :campaign AND person_id = :person AND slot = :slot"
    return await tx.one(row, {**owner.row, "slot": slot}) is not None


_OWED_FOR = """
SELECT 1 FROM listed l JOIN pages p ON p.campaign_id = l.campaign_id AND p.person_id = l.person_id
WHERE p.chat_id = :chat AND p.reference = :reference ORDER BY l.campaign_id, l.person_id FOR UPDATE OF l
"""


async def take_back(tx: Tx, chat: str, reference: str, now: int) -> None:
    """A message was taken back: its page goes, and the paper that was made of it, if that is not handed in. What else
    the paper was made of is there again to make another one of."""
    whose = {"chat": chat, "reference": reference}
    await tx.all(_OWED_FOR, whose)  # nobody makes a paper of it meanwhile
    for page in await tx.all(
        "SELECT id, campaign_id, person_id, slot, state FROM pages WHERE chat_id = :chat AND reference = :reference",
        whose,
    ):
        if page["state"] == "bound":
            gone = await tx.all(
                "DELETE FROM papers WHERE campaign_id = :campaign AND person_id = :person AND slot = :slot "  # noqa: S608
                f"AND state IN {OPEN} RETURNING file_id, stamped_id, preview_id",
                {"campaign": page["campaign_id"], "person": page["person_id"], "slot": page["slot"]},
            )
            if not gone:
                continue
            await files.drop(tx, ids_in(gone), now)
            await tx.run(
                "UPDATE pages SET state = 'ready' WHERE campaign_id = :campaign AND person_id = :person "
                "AND slot = :slot AND state = 'bound'",
                {"campaign": page["campaign_id"], "person": page["person_id"], "slot": page["slot"]},
            )
        await drafts.forget(tx, [page["id"]], now)


async def submit(tx: Tx, vault: Vault, owner: Owner, papers: Sequence[Paper], asked: Sequence[Paper], now: int) -> bool:
    """All of them or none (then whoever asked rolls back): frozen, named by the hash of what HR is to see. Nothing else
    of this campaign stays: not what they were made of, nor what was sent for papers that are not owed after all; where
    we stamped one, nor the PDF without the stamp, which may say what was blacked out.

    Each has a moment of its own, the last one `now`: they wait for HR in the order of the checklist."""
    slots = sorted((paper.slot for paper in (*papers, *asked)), key=lambda slot: place(slot_of(slot)))
    moments = {slot: now + 1 - len(slots) + nth for nth, slot in enumerate(slots)}
    rows = [
        {
            "id": paper.id,
            "version": paper.version,
            "content": files.content_index(vault, paper.detail["sha256"]),
            "at": moments[paper.slot],
            "detail": _sealed_for_hr(owner, paper),
        }
        for paper in papers
    ]
    frozen = await tx.each(
        "UPDATE papers SET state = 'submitted', level = 1, submitted_at = CAST(e.value ->> 'at' AS BIGINT), "
        "content_index = e.value ->> 'content', detail = e.value ->> 'detail', "
        "file_id = COALESCE(stamped_id, file_id), stamped_id = NULL "
        "FROM each(:batch) e WHERE papers.id = e.value ->> 'id' AND papers.state = 'received' "
        "AND papers.version = CAST(e.value ->> 'version' AS BIGINT) RETURNING papers.id",
        rows,
    )
    waiting = await tx.each(
        "UPDATE papers SET state = 'waiting', level = 1, submitted_at = CAST(e.value ->> 'at' AS BIGINT) "
        "FROM each(:batch) e WHERE papers.id = e.value ->> 'id' AND papers.state = 'asked' RETURNING papers.id",
        [{"id": paper.id, "at": moments[paper.slot]} for paper in asked],
    )
    if (len(frozen), len(waiting)) != (len(papers), len(asked)):
        return False
    await files.drop(tx, [paper.file for paper in papers if paper.stamped and paper.file], now)
    await drop_open(tx, "campaign_id = :campaign AND person_id = :person", owner.row, now)
    return True


def _sealed_for_hr(owner: Owner, paper: Paper) -> str:
    """With the file that HR is to see: whoever edits the row puts no other one in its place."""
    detail = {**paper.detail, "file": paper.stamped or paper.file}
    return owner.key.seal(detail, "papers", paper.id, "detail")
