"""People on the roster and their e-mail addresses: sealed at rest, found by blind index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import structlog

from storage.database import Row, Tx
from storage.ids import new_id
from storage.seals import PEOPLE
from storage.vault import Key, Tampered, Vault

log = structlog.get_logger()

# What opening a row that somebody has edited may raise; SQLite takes bytes and numbers in any place.
DAMAGED = (Tampered, KeyError, ValueError, TypeError, OverflowError)


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
    """One row of the roster, opened. `profile` and `contact` are personal: they never go into logs.

    `organisation_code`, `status`: empty where it was not KP7 that wrote them: then they are nobody's to look at,
    and not in service.
    """

    id: str
    key: Key = field(repr=False)
    profile: Mapping[str, str] = field(repr=False)
    contact: Mapping[str, str] = field(repr=False)
    organisation_code: str
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


def card_hash(vault: Vault, national_id: str, laser_code: str) -> str:
    """Keyed, and bound to its owner: equal codes of two people do not look equal."""
    return vault.index("card", f"{national_id}:{laser_code}")


async def by_index(tx: Tx, vault: Vault, id_index: str) -> Person | None:
    row = await tx.one(f"{_SELECT} WHERE p.id_index = :id_index", {"id_index": id_index})
    return _person(vault, row) if row else None


async def by_indexes(tx: Tx, vault: Vault, indexes: Sequence[str]) -> dict[str, Person]:
    """By blind index of the ID."""
    wanted = [{"i": index} for index in indexes]
    rows = await tx.each(f"{_SELECT} JOIN each(:batch) b ON b.value ->> 'i' = p.id_index", wanted)
    return {row["id_index"]: _person(vault, row) for row in rows}


async def by_ids(tx: Tx, vault: Vault, ids: Sequence[str]) -> dict[str, Person]:
    rows = await tx.each(f"{_SELECT} JOIN each(:batch) b ON b.value ->> 'id' = p.id", _wanted(ids))
    return {row["id"]: _person(vault, row) for row in rows}


def _wanted(ids: Sequence[str]) -> list[dict[str, str]]:
    return [{"id": id} for id in sorted(set(ids))]


async def legible(tx: Tx, vault: Vault, ids: Sequence[str]) -> dict[str, Person]:
    """As `by_ids`, of those whose record opens: one that does not keeps nobody else's back, and is named in the log."""
    found = {}
    for row in await tx.each(f"{_SELECT} JOIN each(:batch) b ON b.value ->> 'id' = p.id", _wanted(ids)):
        try:
            found[row["id"]] = _person(vault, row)
        except DAMAGED:
            log.error("person_unreadable", person=row["id"])
    return found


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
    profile = key.open(row["profile"], "people", row["id"], "profile")
    if national_id_index(vault, profile["national_id"]) != row["id_index"]:
        raise Tampered("people")  # found under an ID that is not theirs
    genuine = PEOPLE.genuine(vault, row)
    return Person(
        id=row["id"],
        key=key,
        profile=profile,
        contact=key.open(row["contact"], "people", row["id"], "contact"),
        organisation_code=(row["organisation_code"] or "") if genuine else "",
        unit=row["unit"],
        kind=row["kind"],
        status=row["status"] if genuine else "",
        appointed_on=_date(row["appointed_on"]),
        transferred_in_on=_date(row["transferred_in_on"]),
        card_hash=row["card_hash"],
        wrong_codes=row["wrong_codes"],
        email=email,
    )


async def lock(tx: Tx, ids: Sequence[str]) -> None:
    """Until the end of the transaction nobody else changes these people's data."""
    await tx.among(
        "SELECT 1 FROM people WHERE id IN (SELECT value ->> 'id' FROM each(:batch)) ORDER BY id FOR UPDATE",
        [{"id": id} for id in ids],
    )


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


@dataclass(frozen=True)
class NewEmail:
    person_id: str
    key: Key = field(repr=False)
    address: str = field(repr=False)
    source: str
    effective_on: str


async def set_emails(tx: Tx, new: Sequence[NewEmail], now: int) -> list[str]:
    """Replace current addresses; the old ones stay on record. Returns the new rows' ids."""
    await lock(tx, [email.person_id for email in new])
    await tx.many(
        "UPDATE emails SET replaced_at = :now WHERE person_id = :person AND replaced_at IS NULL",
        [{"person": email.person_id, "now": now} for email in new],
    )
    ids = [new_id() for _ in new]
    await tx.many(
        "INSERT INTO emails (id, person_id, address, source, effective_on, added_at) "
        "VALUES (:id, :person, :address, :source, :effective_on, :now)",
        [
            {
                "id": id,
                "person": email.person_id,
                "address": email.key.seal(email.address, "emails", id, "address"),
                "source": email.source,
                "effective_on": email.effective_on,
                "now": now,
            }
            for id, email in zip(ids, new, strict=True)
        ],
    )
    return ids


async def set_email(tx: Tx, person: Person, address: str, source: str, effective_on: date, now: int) -> str:
    new = NewEmail(person.id, person.key, address, source, effective_on.isoformat())
    return (await set_emails(tx, [new], now))[0]


async def set_contact(tx: Tx, person: Person, contact: Mapping[str, str], now: int) -> None:
    await tx.run(
        "UPDATE people SET contact = :contact, updated_at = :now WHERE id = :id",
        {"contact": person.key.seal(dict(contact), "people", person.id, "contact"), "now": now, "id": person.id},
    )
