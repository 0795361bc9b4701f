"""The roster comes in, again and again: what the file says replaces what it said before, what people told us stays."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any, Literal

from storage.database import Row, Tx
from storage.ids import new_id
from storage.people import NewEmail, card_hash, national_id_index, set_emails
from storage.vault import Key, Vault


@dataclass(frozen=True)
class RosterEntry:
    """What an import writes of one person. `email` is only taken where the record has none of the person's own."""

    national_id: str = field(repr=False)
    profile: Mapping[str, str] = field(repr=False)
    phone: str = field(repr=False)
    email: str = field(repr=False)
    email_source: str
    laser_code: str = field(repr=False)
    organisation_code: str
    unit: str
    kind: str
    status: str
    appointed_on: str | None
    transferred_in_on: str | None
    retires_on: str | None


@dataclass(frozen=True)
class Written:
    """`people`: id of each person that this chunk wrote, and what happened; a sum has none, however long the file."""

    added: int = 0
    changed: int = 0
    left: int = 0
    people: tuple[tuple[str, Literal["added", "changed"]], ...] = field(default=(), compare=False)

    def __add__(self, other: "Written") -> "Written":
        return Written(self.added + other.added, self.changed + other.changed, self.left + other.left)


async def write_roster(tx: Tx, vault: Vault, entries: Sequence[RosterEntry], now: int, *, dry: bool = False) -> Written:
    """One chunk, in sets. A row whose fingerprint is known is left alone; a person's own contact data stay."""
    prints = {
        national_id_index(vault, e.national_id): (e, vault.index("roster_row", repr(astuple(e)))) for e in entries
    }
    await tx.among(
        "SELECT 1 FROM people WHERE id_index IN (SELECT value ->> 'i' FROM each(:batch)) ORDER BY id FOR UPDATE",
        [{"i": i} for i in prints],
    )  # or what people save themselves meanwhile would be overwritten
    known = {
        row["id_index"]: row
        for row in await tx.each(
            "SELECT p.id, p.id_index, p.fingerprint, p.key_id, k.wrapped, p.contact, e.source AS email_source, "
            "e.id AS email_id, e.address AS email_address "
            "FROM people p JOIN keys k ON k.id = p.key_id "
            "LEFT JOIN emails e ON e.person_id = p.id AND e.replaced_at IS NULL "
            "WHERE p.id_index IN (SELECT value ->> 'i' FROM each(:batch))",
            [{"i": i} for i in prints],
        )
    }
    keys: list[dict[str, Any]] = []
    people: list[dict[str, Any]] = []
    emails: list[NewEmail] = []
    added = changed = 0
    done: list[tuple[str, Literal["added", "changed"]]] = []
    for id_index, (entry, fingerprint) in prints.items():
        row = known.get(id_index)
        if row and row["fingerprint"] == fingerprint:
            continue
        if row:
            changed += 1
            id, key = row["id"], vault.unwrap(row["key_id"], row["wrapped"])
            contact = key.open(row["contact"], "people", id, "contact")
        else:
            added += 1
            id = new_id()
            key, wrapped = vault.new_key()
            keys.append({"id": key.id, "wrapped": wrapped})
            contact = {}
        if not contact.get("own"):
            contact = {"phone": entry.phone, "fax": ""}
        done.append((id, "changed" if row else "added"))
        people.append(
            {
                "id": id,
                "key_id": key.id,
                "id_index": id_index,
                "profile": key.seal({**entry.profile, "national_id": entry.national_id}, "people", id, "profile"),
                "contact": key.seal(contact, "people", id, "contact"),
                "organisation_code": entry.organisation_code or None,
                "unit": entry.unit,
                "kind": entry.kind,
                "status": entry.status,
                "appointed_on": entry.appointed_on,
                "transferred_in_on": entry.transferred_in_on,
                "retires_on": entry.retires_on,
                "card_hash": card_hash(vault, entry.national_id, entry.laser_code) if entry.laser_code else None,
                "fingerprint": fingerprint,
                "now": now,
            }
        )
        if entry.email and not (row and _keeps_address(row, key, entry.email)):
            effective = entry.appointed_on or "1970-01-01"
            emails.append(NewEmail(id, key, entry.email, entry.email_source, effective))
    if not dry:
        await tx.many("INSERT INTO keys (id, wrapped) VALUES (:id, :wrapped)", keys)
        await tx.many(_UPSERT_PERSON, people)
        await set_emails(tx, emails, now)
    return Written(added, changed, len(entries) - added - changed, tuple(done))


def _keeps_address(row: Row, key: Key, address: str) -> bool:
    """The address on record stays: it is the person's own, or the very one that the file has."""
    if row["email_id"] is None:
        return False
    own = row["email_source"] in ("self", "officer")
    return own or bool(key.open(row["email_address"], "emails", row["email_id"], "address") == address)


_UPSERT_PERSON = """
INSERT INTO people (id, key_id, id_index, profile, contact, organisation_code, unit, kind, status, appointed_on,
                    transferred_in_on, retires_on, card_hash, fingerprint, updated_at)
VALUES (:id, :key_id, :id_index, :profile, :contact, :organisation_code, :unit, :kind, :status, :appointed_on,
        :transferred_in_on, :retires_on, :card_hash, :fingerprint, :now)
ON CONFLICT (id_index) DO UPDATE SET
    profile = excluded.profile, contact = excluded.contact, organisation_code = excluded.organisation_code,
    unit = excluded.unit, kind = excluded.kind, status = excluded.status, appointed_on = excluded.appointed_on,
    transferred_in_on = excluded.transferred_in_on, retires_on = excluded.retires_on,
    card_hash = COALESCE(excluded.card_hash, people.card_hash), fingerprint = excluded.fingerprint,
    updated_at = excluded.updated_at
"""
