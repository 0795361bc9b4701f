"""People on the roster and their e-mail addresses: sealed at rest, found by blind index."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from datetime import date
from typing import Any

from storage.database import Row, Tx
from storage.ids import new_id
from storage.vault import Key, Vault


@dataclass(frozen=True)
class Email:
    """`source`: dpis_v5, reporting_form, self or officer (letter นร ๑๐๑๓.๓/๒๑๖). `effective_on`: SSO may use it."""

    id: str
    address: str = field(repr=False)
    source: str
    effective_on: date
    added_at: int


@dataclass(frozen=True)
class Person:
    """One row of the roster, opened. `profile` and `contact` are personal: they never go into logs."""

    id: str
    key: Key = field(repr=False)
    profile: Mapping[str, str] = field(repr=False)
    contact: Mapping[str, str] = field(repr=False)
    unit: str
    kind: str
    status: str
    appointed_on: date | None
    transferred_in_on: date | None
    card_hash: str | None = field(repr=False)
    wrong_codes: int
    email: Email | None

    @property
    def name(self) -> str:
        return f"{self.profile['first_name']} {self.profile['last_name']}"

    @property
    def full_name(self) -> str:
        return f"{self.profile['title']}{' ' if '.' in self.profile['title'] else ''}{self.name}"


_SELECT = """
SELECT p.*, k.wrapped AS wrapped, e.id AS email_id, e.address AS email_address, e.source AS email_source,
       e.effective_on AS email_effective_on, e.added_at AS email_added_at
FROM people p JOIN keys k ON k.id = p.key_id LEFT JOIN emails e ON e.person_id = p.id AND e.replaced_at IS NULL
"""


def national_id_index(vault: Vault, national_id: str) -> str:
    return vault.index("national_id", national_id)


def address_index(vault: Vault, address: str) -> str:
    return vault.index("email", address)


async def by_index(tx: Tx, vault: Vault, id_index: str) -> Person | None:
    row = await tx.one(f"{_SELECT} WHERE p.id_index = :id_index", {"id_index": id_index})
    return _person(vault, row) if row else None


async def by_ids(tx: Tx, vault: Vault, ids: Sequence[str]) -> dict[str, Person]:
    wanted = [{"id": id} for id in sorted(set(ids))]
    rows = await tx.each(f"{_SELECT} JOIN each(:batch) b ON b.value ->> 'id' = p.id", wanted)
    return {row["id"]: _person(vault, row) for row in rows}


async def by_id(tx: Tx, vault: Vault, id: str) -> Person:
    """Raises `KeyError` for somebody who is gone."""
    return (await by_ids(tx, vault, [id]))[id]


def _person(vault: Vault, row: Row) -> Person:
    key = vault.unwrap(row["key_id"], row["wrapped"])
    email = None
    if row["email_id"]:
        email = Email(
            id=row["email_id"],
            address=key.open(row["email_address"], "emails", row["email_id"], "address"),
            source=row["email_source"],
            effective_on=date.fromisoformat(row["email_effective_on"]),
            added_at=row["email_added_at"],
        )
    return Person(
        id=row["id"],
        key=key,
        profile=key.open(row["profile"], "people", row["id"], "profile"),
        contact=key.open(row["contact"], "people", row["id"], "contact"),
        unit=row["unit"],
        kind=row["kind"],
        status=row["status"],
        appointed_on=_date(row["appointed_on"]),
        transferred_in_on=_date(row["transferred_in_on"]),
        card_hash=row["card_hash"],
        wrong_codes=row["wrong_codes"],
        email=email,
    )


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


async def set_email(tx: Tx, person: Person, address: str, source: str, effective_on: date, now: int) -> str:
    """Replace the current address; the old one stays on record. Returns the new row's id."""
    await tx.run(
        "UPDATE emails SET replaced_at = :now WHERE person_id = :person AND replaced_at IS NULL",
        {"now": now, "person": person.id},
    )
    id = new_id()
    await tx.run(_INSERT_EMAIL, _email_row(id, person.id, person.key, address, source, effective_on.isoformat(), now))
    return id


async def set_contact(tx: Tx, person: Person, contact: Mapping[str, str], now: int) -> None:
    await tx.run(
        "UPDATE people SET contact = :contact, updated_at = :now WHERE id = :id",
        {"contact": person.key.seal(dict(contact), "people", person.id, "contact"), "now": now, "id": person.id},
    )


_INSERT_EMAIL = """
INSERT INTO emails (id, person_id, address, source, effective_on, added_at)
VALUES (:id, :person_id, :address, :source, :effective_on, :now)
"""


def _email_row(
    id: str, person_id: str, key: Key, address: str, source: str, effective_on: str, now: int
) -> dict[str, Any]:
    return {
        "id": id,
        "person_id": person_id,
        "address": key.seal(address, "emails", id, "address"),
        "source": source,
        "effective_on": effective_on,
        "now": now,
    }


# --- import ---------------------------------------------------------------------------------------------------------


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


def card_hash(vault: Vault, national_id: str, laser_code: str) -> str:
    """Keyed, and bound to its owner: equal codes of two people do not look equal."""
    return vault.index("card", f"{national_id}:{laser_code}")


@dataclass(frozen=True)
class Written:
    added: int = 0
    changed: int = 0
    left: int = 0

    def __add__(self, other: "Written") -> "Written":
        return Written(self.added + other.added, self.changed + other.changed, self.left + other.left)


async def write_roster(tx: Tx, vault: Vault, entries: Sequence[RosterEntry], now: int, *, dry: bool = False) -> Written:
    """One chunk, in sets. A row whose fingerprint is known is left alone; a person's own contact data stay."""
    prints = {
        national_id_index(vault, e.national_id): (e, vault.index("roster_row", repr(astuple(e)))) for e in entries
    }
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
    emails: list[dict[str, Any]] = []
    replaced: list[dict[str, Any]] = []
    added = changed = 0
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
            replaced.append({"person": id, "now": now})
            emails.append(_email_row(new_id(), id, key, entry.email, entry.email_source, effective, now))
    if not dry:
        await tx.many("INSERT INTO keys (id, wrapped) VALUES (:id, :wrapped)", keys)
        await tx.many(_UPSERT_PERSON, people)
        await tx.many(
            "UPDATE emails SET replaced_at = :now WHERE person_id = :person AND replaced_at IS NULL", replaced
        )
        await tx.many(_INSERT_EMAIL, emails)
    return Written(added, changed, len(entries) - added - changed)


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
