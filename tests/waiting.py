"""Things that wait for an officer, put there without anybody chatting."""

import hashlib
from collections.abc import Mapping

from bot.times import MINUTE
from handlers.documents.rules import Options, write_options
from handlers.review import queue
from handlers.review.queue import Item, Kind
from samples import make_papers
from storage.database import Tx
from storage.files import File, content_index, hold
from storage.ids import new_id
from storage.people import Person
from storage.seals import CAMPAIGNS, CHECKS, REQUESTS
from storage.vault import Vault
from tests.house import House
from tests.sealing import sealed

CAMPAIGN = "w1"


async def campaign(tx: Tx, vault: Vault, levels: int = 1) -> None:
    await tx.run(
        "INSERT INTO campaigns (id, kind, name, upstream_due, due, late_days, options, made_at) "
        "VALUES (:id, 'documents', 'รับรองทะเบียน', '2027-12-31', '2027-12-31', 14, :options, 1) "
        "ON CONFLICT (id) DO UPDATE SET options = excluded.options",
        {"id": CAMPAIGN, "options": write_options(Options(levels=levels))},
    )
    await sealed(tx, vault, CAMPAIGNS, CAMPAIGN)


async def waits(
    tx: Tx, vault: Vault, owner: Person, kind: Kind, now: int, *, slot: str = "id_card", file: File | None = None
) -> str:
    """→ id of an item of that kind, of this person"""
    id = new_id()
    if kind == "identity":
        await tx.run(
            "INSERT INTO identity_checks (id, reference, account_id, person_id, id_index, key_id, claim, why, "
            "asked_at) SELECT :id, :id, a.id, :person, p.id_index, p.key_id, :claim, 'form', :now "
            "FROM people p, accounts a WHERE p.id = :person LIMIT 1",
            {
                "id": id,
                "person": owner.id,
                "claim": _sealed(owner, "identity_checks", id, "claim", _claim(owner)),
                "now": now,
            },
        )
        await sealed(tx, vault, CHECKS, id)
    elif kind in ("help", "lock", "relink"):
        await tx.run(
            "INSERT INTO requests (id, kind, account_id, person_id, key_id, detail, version, asked_at) "
            "SELECT :id, :kind, a.id, :person, :key, :detail, 1, :now FROM accounts a LIMIT 1",
            {
                "id": id, "kind": kind, "person": owner.id, "key": owner.key.id, "now": now,
                "detail": _sealed(owner, "requests", id, "detail", {"asked": [[now, "ช่วยด้วยค่ะ"]]}),
            },
        )  # fmt: skip
        await sealed(tx, vault, REQUESTS, id)
    else:
        sha256 = hashlib.sha256(id.encode()).hexdigest()  # of no file
        shown = file or File(id, sha256, 0)
        detail = {"sheets": [[595, 842, True]] * 2, "marks": [True, False], "sha256": shown.sha256, "file": shown.id}
        await tx.run(
            "INSERT INTO papers (id, campaign_id, person_id, slot, version, state, certified, key_id, file_id, detail, "
            "content_index, at, submitted_at, level) VALUES (:id, :campaign, :person, :slot, :now, :state, 'hand', "
            ":key, :file, :detail, :content, :now, :now, :level)",
            {
                "id": id, "campaign": CAMPAIGN, "person": owner.id, "slot": slot, "now": now, "key": owner.key.id,
                "state": "waiting" if kind == "waiver" else "submitted", "level": 2 if kind == "paper2" else 1,
                "file": None if kind == "waiver" else shown.id,
                "detail": _sealed(owner, "papers", id, "detail", {} if kind == "waiver" else detail),
                "content": None if kind == "waiver" else content_index(vault, shown.sha256),
            },
        )  # fmt: skip
    return id


async def paper_waits(house: House, owner: Person, *, slot: str = "id_card", levels: int = 1, ago: int = 5) -> Item:
    """With a PDF that can be drawn, handed in so many minutes `ago`."""
    kp7, then = house.kp7, house.clock() - ago * MINUTE
    kept = await kp7.files.put(owner.id, owner.key, make_papers.pdf("id_card"), then)
    async with kp7.database.write() as tx:
        await campaign(tx, kp7.vault, levels)
        assert await hold(tx, kept.id, owner.id)
        id = await waits(tx, kp7.vault, owner, "paper", then, slot=slot, file=kept)
        return await item(tx, id)


async def item(tx: Tx, id: str) -> Item:
    """Whoever asks."""
    row = await tx.one(f"SELECT x.* FROM ({queue._WAITING}) AS x WHERE x.id = :id", {"id": id})
    assert row
    return queue._item(row)


def _sealed(owner: Person, table: str, id: str, column: str, value: Mapping[str, object]) -> str:
    return owner.key.seal(dict(value), table, id, column)


def _claim(owner: Person) -> dict[str, object]:
    return {"name": owner.name, "birth_date": owner.profile["birth_date"]}
