"""The roster comes in, again and again: what the file says replaces what it said before, what people told us stays.

A chunk goes through three hands, so that the database is locked for the statements alone, not for the sealing:

1. `on_record` reads what the database has of these people,
2. `Plan` decides what becomes of each of them, and seals it; no database,
3. `carry_out` reads them once more in the transaction that writes. If a chat has changed somebody in between, it plans
   again; then it writes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any, Literal

from storage.database import Row, Tx
from storage.ids import new_id
from storage.people import NewEmail, card_hash, national_id_index, set_emails
from storage.seals import PEOPLE
from storage.vault import Key, Vault

OnRecord = Mapping[str, Row]  # by blind index of the ID

LEFT = "left"  # the status of those who are retired because a full export no longer has them


@dataclass(frozen=True)
class RosterEntry:
    """What an import writes of one person. `email` is only taken where the record has none of the person's own.

    What is None, or missing in `profile`, is not spoken of in the file: what is on record stays. Empty says that there
    is none.
    """

    national_id: str = field(repr=False)
    profile: Mapping[str, str] = field(repr=False)
    phone: str | None = field(repr=False)
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
class Outcome:
    """What becomes of one entry. `fields`: which ones of a changed person differ, as `RosterEntry` and `profile` name
    them; never what they hold."""

    person_id: str
    what: Literal["added", "changed", "left"]
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Written:
    added: int = 0
    changed: int = 0
    left: int = 0

    def __add__(self, other: "Written") -> "Written":
        return Written(self.added + other.added, self.changed + other.changed, self.left + other.left)


async def on_record(tx: Tx, vault: Vault, entries: Sequence[RosterEntry]) -> OnRecord:
    rows = await tx.each(
        "SELECT p.*, k.wrapped, e.source AS email_source, e.id AS email_id, e.address AS email_address "
        "FROM people p JOIN keys k ON k.id = p.key_id "
        "LEFT JOIN emails e ON e.person_id = p.id AND e.replaced_at IS NULL "
        "WHERE p.id_index IN (SELECT value ->> 'i' FROM each(:batch))",
        _indexes(vault, entries),
    )
    return {row["id_index"]: row for row in rows}


class Plan:
    """What becomes of each entry (`outcomes`, in their order), and the sealed rows that make it so.

    A row whose fingerprint is known is left alone without a further look, unless somebody else than KP7 says where that
    person is; one that differs in nothing but things which
    the person has told us themselves is left alone too. Of two entries for one person the later counts.
    """

    def __init__(self, vault: Vault, entries: Sequence[RosterEntry], record: OnRecord) -> None:
        self._vault, self._entries, self._record = vault, entries, record
        self._keys: list[dict[str, Any]] = []
        self._people: list[dict[str, Any]] = []
        self._emails: list[NewEmail] = []
        last = {national_id_index(vault, entry.national_id): entry for entry in entries}
        found = {index: self._decide(index, entry) for index, entry in last.items()}
        self.outcomes = [found[national_id_index(vault, entry.national_id)] for entry in entries]

    @property
    def writes(self) -> bool:
        return bool(self._people)

    async def carry_out(self, tx: Tx, now: int) -> "Plan":
        """The plan that was carried out: this one, or another one if the record has changed meanwhile."""
        await tx.among(_ONE_AT_A_TIME, [{}])
        await tx.among(
            "SELECT 1 FROM people WHERE id_index IN (SELECT value ->> 'i' FROM each(:batch)) ORDER BY id FOR UPDATE",
            _indexes(self._vault, self._entries),
        )  # or what people save themselves between reading and writing would be overwritten
        record = await on_record(tx, self._vault, self._entries)
        plan = self if record == self._record else Plan(self._vault, self._entries, record)
        await tx.many("INSERT INTO keys (id, wrapped) VALUES (:id, :wrapped)", plan._keys)
        await tx.many(_UPSERT_PERSON, [{**person, "now": now} for person in plan._people])
        await set_emails(tx, plan._emails, now)
        return plan

    def _decide(self, index: str, entry: RosterEntry) -> Outcome:
        fingerprint = self._vault.index("roster_row", repr(astuple(entry)))
        row = self._record.get(index)
        sealed = row is not None and PEOPLE.fits(self._vault, row)
        if row and row["fingerprint"] == fingerprint and sealed:
            return Outcome(row["id"], "left")
        id, key, profile, contact = self._opened(row) if row else self._new()
        phone = contact["phone"] if contact.get("own") or entry.phone is None else entry.phone
        columns = _columns(entry, row or {}, self._vault)
        new_email = bool(entry.email) and not (row and _keeps_address(row, key, entry.email))
        fields = [name for name, value in entry.profile.items() if profile.get(name) != value]
        fields += [name for name, value in columns.items() if row and row[name] != value]
        fields += ["phone"] * (phone != contact["phone"]) + ["email"] * new_email
        if row and not fields and sealed:
            return Outcome(id, "left")
        profile = {**profile, **entry.profile, "national_id": entry.national_id}
        written = {
            "id": id,
            "key_id": key.id,
            "id_index": index,
            "profile": key.seal(profile, "people", id, "profile"),
            "contact": key.seal({**contact, "phone": phone}, "people", id, "contact"),
            "fingerprint": fingerprint,
            **columns,
        }
        self._people.append({**written, "mac": PEOPLE.made(self._vault, written)})
        if new_email:
            effective = entry.appointed_on or "1970-01-01"
            self._emails.append(NewEmail(id, key, entry.email, entry.email_source, effective))
        return Outcome(id, "changed", tuple(fields)) if row else Outcome(id, "added")

    def _opened(self, row: Row) -> tuple[str, Key, dict[str, str], dict[str, str]]:
        id, key = row["id"], self._vault.unwrap(row["key_id"], row["wrapped"])
        return (
            id,
            key,
            key.open(row["profile"], "people", id, "profile"),
            key.open(row["contact"], "people", id, "contact"),
        )

    def _new(self) -> tuple[str, Key, dict[str, str], dict[str, str]]:
        key, wrapped = self._vault.new_key()
        self._keys.append({"id": key.id, "wrapped": wrapped})
        return new_id(), key, {"title": ""}, {"phone": "", "fax": ""}


async def write_roster(tx: Tx, vault: Vault, entries: Sequence[RosterEntry], now: int) -> Written:
    """All three steps in one transaction, for a few people."""
    plan = await Plan(vault, entries, await on_record(tx, vault, entries)).carry_out(tx, now)
    return tally(plan.outcomes)


def tally(outcomes: Sequence[Outcome]) -> Written:
    """Each person counted once, however often the entries name them."""
    what = {outcome.person_id: outcome.what for outcome in outcomes}
    added, changed = (list(what.values()).count(word) for word in ("added", "changed"))
    return Written(added, changed, len(outcomes) - added - changed)


async def retire(tx: Tx, vault: Vault, people: Sequence[Row], now: int) -> list[str]:
    """Those of `people` (`id`, `status`) whose status is still that one have left. → their ids

    Without a fingerprint the next roster that has them again brings them back.
    """
    status = {row["id"]: row["status"] for row in people}
    rows = await tx.each(
        PEOPLE.where("t.id IN (SELECT value ->> 'id' FROM each(:batch)) ORDER BY t.id FOR UPDATE"),
        [{"id": id} for id in status],
    )
    leaving = [row for row in rows if row["status"] == status[row["id"]]]
    await tx.each(
        "UPDATE people SET status = b.value ->> 'status', mac = b.value ->> 'mac', fingerprint = '', "
        "updated_at = CAST(b.value ->> 'now' AS BIGINT) FROM each(:batch) b WHERE people.id = b.value ->> 'id'",
        [{"id": row["id"], "status": LEFT, "mac": _left_mac(vault, row), "now": now} for row in leaving],
    )
    return [row["id"] for row in leaving]


def _left_mac(vault: Vault, row: Row) -> str:
    """What KP7 did not write does not become genuine by being retired."""
    return PEOPLE.made(vault, {**row, "status": LEFT}) if PEOPLE.genuine(vault, row) else ""


def _indexes(vault: Vault, entries: Sequence[RosterEntry]) -> list[dict[str, str]]:
    return [{"i": national_id_index(vault, entry.national_id)} for entry in entries]


def _columns(entry: RosterEntry, row: Row, vault: Vault) -> dict[str, Any]:
    """What stands in columns of its own. `row`: what is on record, for where the entry is silent."""
    silent = entry.transferred_in_on is None
    hashed = card_hash(vault, entry.national_id, entry.laser_code) if entry.laser_code else row.get("card_hash")
    return {
        "organisation_code": entry.organisation_code or None,
        "unit": entry.unit,
        "kind": entry.kind,
        "status": entry.status,
        "appointed_on": entry.appointed_on or None,
        "transferred_in_on": row.get("transferred_in_on") if silent else entry.transferred_in_on or None,
        "retires_on": entry.retires_on or None,
        "card_hash": hashed,
    }


def _keeps_address(row: Row, key: Key, address: str) -> bool:
    """The address on record stays: it is the person's own, or the very one that the file has."""
    if row["email_id"] is None:
        return False
    own = row["email_source"] in ("self", "officer")
    return own or bool(key.open(row["email_address"], "emails", row["email_id"], "address") == address)


# Who is new has no row yet that could be locked: of two imports that add one person, the later one must see that.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('kp7 roster', 0)) FROM each(:batch)"

# On the person's own id: whoever adds one person at once all the same must not meet in one row, sealed with two keys.
_UPSERT_PERSON = """
INSERT INTO people (id, key_id, id_index, profile, contact, organisation_code, unit, kind, status, appointed_on,
                    transferred_in_on, retires_on, card_hash, fingerprint, updated_at, mac)
VALUES (:id, :key_id, :id_index, :profile, :contact, :organisation_code, :unit, :kind, :status, :appointed_on,
        :transferred_in_on, :retires_on, :card_hash, :fingerprint, :now, :mac)
ON CONFLICT (id) DO UPDATE SET
    profile = excluded.profile, contact = excluded.contact, organisation_code = excluded.organisation_code,
    unit = excluded.unit, kind = excluded.kind, status = excluded.status, appointed_on = excluded.appointed_on,
    transferred_in_on = excluded.transferred_in_on, retires_on = excluded.retires_on,
    card_hash = excluded.card_hash, fingerprint = excluded.fingerprint, updated_at = excluded.updated_at,
    mac = excluded.mac
"""
