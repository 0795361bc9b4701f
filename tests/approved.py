"""People with papers that were handed in and decided: rows as KP7 writes them, without the chats that lead there."""

import asyncio
import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bot.text import Texts
from handlers.documents import families, store, verdicts
from handlers.documents.owner import Owner
from handlers.documents.rules import Family, Options, slots, write_options
from handlers.review import export
from storage import files
from storage.database import Database
from storage.files import Files
from storage.folder import Folder
from storage.opening import opened
from storage.people import Person, by_id, national_id_index
from storage.seals import CAMPAIGNS, ORGANISATIONS, PEOPLE
from tests.house import KEY
from tests.sealing import sealed

ZONE = "Asia/Bangkok"
NOON = 1_793_595_600_000  # 2 November 2026 in Bangkok
SINGLE = Family(same_degree=True)


def national_id(nth: int) -> str:
    from bot import thai

    first = f"1{nth:011d}"
    return first + thai.check_digit(first)


@dataclass
class Office:
    """A house for exports, and who is in it."""

    house: export.House
    people: list[str] = field(default_factory=list)

    @property
    def database(self) -> Database:
        return self.house.database

    async def somebody(
        self, first: str, last: str = "ทดสอบ", *, unit: str = "กองแผนงาน", code: str = "D0103", nth: int = 0
    ) -> str:
        """→ id"""
        nth = nth or len(self.people) + 1
        async with self.database.write() as tx:
            key, wrapped = self.house.vault.new_key()
            id = f"p{nth:05d}"
            await tx.run("INSERT INTO keys (id, wrapped) VALUES (:id, :wrapped)", {"id": key.id, "wrapped": wrapped})
            profile = {"national_id": national_id(nth), "title": "นาย", "first_name": first, "last_name": last}
            await tx.run(
                "INSERT INTO people (id, key_id, id_index, profile, contact, organisation_code, unit, kind, status, "
                "fingerprint, updated_at) VALUES (:id, :key, :index, :profile, :contact, :code, :unit, "
                "'civil_servant', 'active', '', 0)",
                {
                    "id": id, "key": key.id, "index": national_id_index(self.house.vault, profile["national_id"]),
                    "profile": key.seal(profile, "people", id, "profile"),
                    "contact": key.seal({}, "people", id, "contact"), "code": code, "unit": unit,
                },
            )  # fmt: skip
            await sealed(tx, self.house.vault, PEOPLE, id)
        self.people.append(id)
        return id

    async def person(self, id: str) -> Person:
        async with self.database.read() as tx:
            return await by_id(tx, self.house.vault, id)

    async def campaign(self, *listed: str, id: str = "c1", options: Options = Options()) -> str:  # noqa: B008 - frozen
        async with self.database.write() as tx:
            await tx.run(
                "INSERT INTO campaigns (id, kind, name, upstream_due, due, late_days, options, made_at) "
                "VALUES (:id, 'documents', :id, '2026-12-31', '2026-12-15', 14, :options, 1)",
                {"id": id, "options": write_options(options)},
            )
            await sealed(tx, self.house.vault, CAMPAIGNS, id)
            await tx.many(
                "INSERT INTO listed (campaign_id, person_id, listed_on, due) "
                "VALUES (:id, :person, '2026-11-01', '2026-12-15')",
                [{"id": id, "person": person} for person in listed],
            )
        return id

    async def hands_in(
        self, id: str, papers: Mapping[str, bytes | None], family: Family = SINGLE, campaign: str = "c1"
    ) -> None:
        """`papers`: by slot; None: "I have no such paper"."""
        person, now = await self.person(id), NOON
        owner = Owner(id, campaign, person.key)
        put = [self.house.files.put(id, person.key, data, now) for data in papers.values() if data]
        kept = dict(zip([slot for slot, data in papers.items() if data], await asyncio.gather(*put), strict=True))
        async with self.database.write() as tx:
            await families.save(tx, id, person.key, asdict(family), now)
            for slot in papers:
                file = kept.get(slot)
                detail: dict[str, Any] = {"sheets": [[595, 842]], "sha256": file.sha256} if file else {}
                assert await store.make(
                    tx, owner, slot, "received" if file else "asked", (file.id if file else None, None), detail, now
                )
                if file:
                    assert await files.hold(tx, file.id, id)
            mine = (await store.papers(tx, self.house.vault, [owner.row]))[id]
            sent = [mine[slot] for slot in papers]
            assert await store.submit(
                tx, self.house.vault, owner, [p for p in sent if p.file], [p for p in sent if not p.file], now
            )

    async def decides(
        self,
        id: str,
        slots: str | Sequence[str],
        verdict: verdicts.Verdict,
        officer: str = "nobody",
        *,
        last: bool = True,
        campaign: str = "c1",
    ) -> None:
        person = await self.person(id)
        async with self.database.write() as tx:
            for slot in [slots] if isinstance(slots, str) else slots:
                row = await tx.one(
                    "SELECT * FROM papers WHERE person_id = :id AND slot = :slot AND campaign_id = :campaign",
                    {"id": id, "slot": slot, "campaign": campaign},
                )
                assert row
                assert await verdicts.give(
                    tx, self.house.vault, person.key, row, verdict, last_level=last, officer=officer,
                    grant="g", now=NOON + 60_000,
                )  # fmt: skip

    async def organisations(self, **parents: str) -> None:
        """Code → that of the one above, or empty."""
        async with self.database.write() as tx:
            await tx.many(
                "INSERT INTO organisations (code, type, name_th, name_en, province, district, parent_code) "
                "VALUES (:code, 'division', :name, '', '', '', :parent)",
                [{"code": code, "name": f"หน่วย {code}", "parent": up or None} for code, up in parents.items()],
            )
            for code in parents:
                await sealed(tx, self.house.vault, ORGANISATIONS, code)

    async def has_approved(
        self, first: str, papers: Sequence[str] = (), *, officer: str = "nobody", size: int = 0, **about: Any
    ) -> str:
        """Listed nowhere yet; all they owe, or these, approved. → id"""
        id = await self.somebody(first, **about)
        wanted = papers or [slot.id for slot in slots(SINGLE, Options()) if not slot.reuses]
        await self.hands_in(id, {slot: pdf(id, slot, size) for slot in wanted})
        await self.decides(id, wanted, "approved", officer)
        return id


def pdf(id: str, slot: str, size: int = 0) -> bytes:
    """Bytes of its own for each; nobody looks into them here."""
    return b"%PDF-1.7 " + hashlib.sha256(f"{id} {slot}".encode()).digest() * (1 + size // 32)


async def office(url: str, folder: Path) -> Office:
    """Under the key that commands are given, too. Whoever made it closes its database."""
    database = await Database.open(url)
    vault = await opened(database, base64.b64decode(KEY))
    kept = Files(database, Folder(folder / "files"))
    return Office(export.House(database, vault, kept, Texts(), ZONE, lambda: NOON))
