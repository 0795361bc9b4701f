"""Drafts: what somebody sent for a paper, page by page, before and while the paper is made of it.

A page is `fetching` until somebody has looked at it, then `ready` or `refused`; `bound` once its paper is made, and
gone when that is submitted. Sealed `detail`: name, place [i, n], sheets [[width, height, written], …] of a PDF,
repaired, same_as (slot that has the same file already); reason, found, limit where it was refused.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from handlers.documents.owner import Owner, hold, owners_key, readable
from storage import files
from storage.database import Row, Tx
from storage.ids import new_id
from storage.vault import Key, Vault

PAGES_MOST = 50


@dataclass(frozen=True)
class Page:
    id: str
    slot: str
    chat: str
    state: str
    kind: str
    file: str | None
    preview: str | None
    at: int
    detail: Mapping[str, Any] = field(repr=False)


_PAGES = """
SELECT p.*, k.wrapped, w.key_id AS whose FROM each(:batch) e JOIN pages p ON p.person_id = e.value ->> 'person'
AND p.campaign_id = e.value ->> 'campaign' JOIN people w ON w.id = p.person_id
JOIN keys k ON k.id = p.key_id ORDER BY p.id
"""


async def pages(tx: Tx, vault: Vault, wanted: Sequence[Mapping[str, str]]) -> dict[str, list[Page]]:
    """`wanted`: {person, campaign}, one campaign a person. → by person, as they came, without what does not open"""
    found: dict[str, list[Page]] = {}
    for row in await tx.each(_PAGES, wanted):
        with readable("pages", row["id"]):
            found.setdefault(row["person_id"], []).append(_page(vault, row))
    return found


async def pages_of(tx: Tx, vault: Vault, owner: Owner, slot: str) -> list[Page]:
    return [page for page in (await pages(tx, vault, [owner.row])).get(owner.person, []) if page.slot == slot]


def _page(vault: Vault, row: Row) -> Page:
    key = owners_key(vault, row, "pages")
    return Page(
        id=row["id"],
        slot=row["slot"],
        chat=row["chat_id"],
        state=row["state"],
        kind=row["kind"],
        file=row["file_id"],
        preview=row["preview_id"],
        at=row["at"],
        detail=key.open(row["detail"], "pages", row["id"], "detail"),
    )


def in_order(found: Sequence[Page]) -> list[Page]:
    """As they came, but pictures of one album by their place in it: LINE delivers those in any order."""
    ordered: list[Page] = []
    album: list[Page] = []
    for page in found:
        nth, of = page.detail["place"]
        known = {one.detail["place"][0] for one in album}
        if album and (album[0].detail["place"][1] != of or nth in known):
            ordered += _by_place(album)
            album = []
        if of == 1:
            ordered.append(page)
        else:
            album.append(page)
    return ordered + _by_place(album)


def goes_with(kind: str, sent: Sequence[Page]) -> bool:
    """A paper is one PDF, or photos."""
    ready = [page for page in sent if page.state == "ready"]
    return not ready if kind == "pdf" else all(page.kind != "pdf" for page in ready)


def _by_place(album: Iterable[Page]) -> list[Page]:
    return sorted(album, key=lambda page: int(page.detail["place"][0]))


async def announce(
    tx: Tx, owner: Owner, slot: str, chat: str, reference: str, detail: Mapping[str, Any], now: int
) -> str:
    """A page whose file is still to be fetched. → its id"""
    id = new_id()
    await tx.run(
        "INSERT INTO pages (id, campaign_id, person_id, slot, chat_id, reference, state, kind, key_id, detail, at) "
        "VALUES (:id, :campaign, :person, :slot, :chat, :reference, 'fetching', '', :key, :detail, :now)",
        {
            **owner.row,
            "id": id,
            "slot": slot,
            "chat": chat,
            "reference": reference,
            "key": owner.key.id,
            "detail": owner.key.seal(dict(detail), "pages", id, "detail"),
            "now": now,
        },
    )
    return id


async def keep(
    tx: Tx,
    owner: Owner,
    id: str,
    kind: str,
    kept: Sequence[str | None],
    content_index: str,
    detail: Mapping[str, Any],
) -> bool:
    """It was fetched and is good. `kept`: ids of file and preview. False: nobody wants it any more."""
    file, preview = kept
    changed = await tx.run(
        "UPDATE pages SET state = 'ready', kind = :kind, file_id = :file, preview_id = :preview, "
        "content_index = :content, detail = :detail WHERE id = :id AND state = 'fetching'",
        {
            "id": id,
            "kind": kind,
            "file": file,
            "preview": preview,
            "content": content_index,
            "detail": owner.key.seal(dict(detail), "pages", id, "detail"),
        },
    )
    if changed:
        await hold(tx, owner, kept)
    return changed == 1


async def refuse(tx: Tx, key: Key, id: str, detail: Mapping[str, Any]) -> None:
    await tx.run(
        "UPDATE pages SET state = 'refused', detail = :detail WHERE id = :id AND state = 'fetching'",
        {"id": id, "detail": key.seal(dict(detail), "pages", id, "detail")},
    )


async def give_up(tx: Tx, id: str) -> bool:
    """Nobody will fetch it any more. False: it was kept, or it is gone."""
    return await tx.run("DELETE FROM pages WHERE id = :id AND state IN ('fetching', 'refused')", {"id": id}) == 1


async def forget(tx: Tx, ids: Sequence[str], now: int) -> None:
    """Rows and files."""
    gone = await tx.each(
        "DELETE FROM pages WHERE id IN (SELECT value ->> 'id' FROM each(:batch)) RETURNING file_id, preview_id",
        [{"id": id} for id in ids],
    )
    await files.drop(tx, [id for row in gone for id in (row["file_id"], row["preview_id"]) if id], now)


async def hand_over(tx: Tx, page: Page) -> bool:
    """A PDF is the paper: its files are the paper's from now on. False: it has gone meanwhile."""
    given = "UPDATE pages SET state = 'bound', file_id = NULL, preview_id = NULL WHERE id = :id AND state = 'ready'"
    return await tx.run(given, {"id": page.id}) == 1


async def bind(tx: Tx, ids: Sequence[str]) -> bool:
    """A paper was made of these. False: some of them have gone meanwhile."""
    bound = await tx.each(
        "UPDATE pages SET state = 'bound' WHERE state = 'ready' "
        "AND id IN (SELECT value ->> 'id' FROM each(:batch)) RETURNING id",
        [{"id": id} for id in ids],
    )
    return len(bound) == len(ids)


async def same_file(tx: Tx, owner: Owner, id: str, content_index: str) -> str:
    """The slot for which the same file was sent before; empty: there is none."""
    row = await tx.one(
        "SELECT slot FROM pages WHERE person_id = :person AND campaign_id = :campaign AND content_index = :content "
        "AND id <> :id ORDER BY id LIMIT 1",
        {**owner.row, "content": content_index, "id": id},
    )
    return str(row["slot"]) if row else ""
