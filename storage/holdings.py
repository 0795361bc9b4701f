"""Everything that is kept about one person: found, opened and shown to them (access), or deleted (erasure).

A table says whose its rows are in one line, a `Holds`; those of `storage/` stand here, a topic brings its own. A test
lists all tables of the schema and fails for one that nobody has decided about.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from storage import chats
from storage.database import Row, Tx
from storage.people import address_index, national_id_index
from storage.vault import Keyring, Tampered, Vault

Of = Literal["people", "accounts", "keys", "marks"]
UNREADABLE = "(unreadable)"


@dataclass(frozen=True)
class Holds:
    """A table with something about people in it.

    `by`: the columns that say about whom, and what stands in them. `hidden`: columns that are never shown (they would
    open something, or are keyed hashes that tell nothing). `where`: which rows this is about, if not all. `id`: the
    column that sealed values are bound to. `stays`: shown, but not deleted with the person, for a reason given there.
    `leaves`: a table (id, at) for the ids of deleted rows, because something lies elsewhere under them.
    """

    table: str
    by: Mapping[str, Of]
    hidden: tuple[str, ...] = ()
    where: str = "true"
    id: str = "id"
    stays: bool = False
    leaves: str = ""

    def matches(self, of: Sequence[Of] = ("people", "accounts", "keys", "marks")) -> str:
        """SQL: rows about the subjects in `each(:batch)`."""
        wanted = (f"{column} IN ({_IDS.format(kind)})" for column, kind in self.by.items() if kind in of)
        return " OR ".join(wanted) or "false"


_IDS = "SELECT value ->> 'id' FROM each(:batch) WHERE value ->> 'of' = '{}'"

# In the order in which rows can be deleted. What a topic brings refers to these, and goes first.
HOLDS = (
    Holds("attempts", {"subject": "marks"}),
    Holds("chat_messages", {"account_id": "accounts", "key_id": "keys"}),
    Holds(
        "outbox",
        {"person_id": "people", "account_id": "accounts", "key_id": "keys"},
        where="purpose NOT IN ('code', 'card')",
    ),
    Holds(  # mails with codes, questions to a card verifier: that there is one is said, what it says is not
        "outbox",
        {"person_id": "people", "account_id": "accounts", "key_id": "keys"},
        hidden=("body",),
        where="purpose IN ('code', 'card')",
    ),
    Holds(
        "page_links",
        {"account_id": "accounts", "person_id": "people"},
        hidden=("session", "browser", "browser_mac", "mac"),
    ),
    Holds("conversations", {"account_id": "accounts"}, hidden=("session",), id="account_id"),
    # stays: without it an event that the platform delivers again would be taken twice. The account it names is gone.
    Holds("inbox", {"account_id": "accounts"}, stays=True),
    # stays: that somebody's record was looked at or erased must not go with it. It names nobody.
    Holds("audit", {"subject": "people"}, hidden=("mac",), id="seq", stays=True),
    Holds("emails", {"person_id": "people"}),
    Holds("files", {"person_id": "people", "key_id": "keys"}, leaves="files_gone"),
    Holds("accounts", {"id": "accounts", "key_id": "keys"}, hidden=("session",)),
    Holds("people", {"id": "people", "key_id": "keys"}, hidden=("id_index", "card_hash", "fingerprint", "mac")),
    Holds("keys", {"id": "keys"}, hidden=("wrapped",)),
)


@dataclass(frozen=True)
class Subject:
    """Whose rows are meant: ids. `marks`: ids and blind indexes under which something is counted or looked up."""

    people: frozenset[str] = field(default_factory=frozenset)
    accounts: frozenset[str] = field(default_factory=frozenset)
    keys: frozenset[str] = field(default_factory=frozenset)
    marks: frozenset[str] = field(default_factory=frozenset)

    def rows(self) -> list[dict[str, str]]:
        of: tuple[Of, ...] = ("people", "accounts", "keys", "marks")
        return [{"of": kind, "id": id} for kind in of for id in sorted(getattr(self, kind))]


# --- finding ----------------------------------------------------------------------------------------------------------


async def find(tx: Tx, vault: Vault, id_index: str) -> Subject:
    """Whoever has that ID, with the chats that are linked to them. On no roster it may still have been typed.

    Raises `Tampered` where that record is somebody else's by what is sealed in it.
    """
    people = await tx.all(
        "SELECT p.id, p.key_id, p.profile, k.wrapped FROM people p LEFT JOIN keys k ON k.id = p.key_id "
        "WHERE p.id_index = :index",
        {"index": id_index},
    )
    for row in people:
        _belongs(vault, row, id_index)
    ids = [{"id": row["id"]} for row in people]
    accounts = await tx.each(
        "SELECT id, key_id FROM accounts WHERE person_id IN (SELECT value ->> 'id' FROM each(:batch))", ids
    )
    marks = {id_index, *(row["id"] for row in (*people, *accounts)), *await _addresses(tx, vault, ids)}
    return Subject(
        people=frozenset(row["id"] for row in people),
        accounts=frozenset(row["id"] for row in accounts),
        keys=frozenset(row["key_id"] for row in (*people, *accounts)),
        marks=frozenset(marks),
    )


def _belongs(vault: Vault, row: Row, id_index: str) -> None:
    try:
        key = vault.key_of(row)
        profile = key.open(row["profile"], "people", row["id"], "profile") if key else {}
    except Tampered:
        return  # what cannot be opened can still be shown as such, and erased
    if profile and national_id_index(vault, profile["national_id"]) != id_index:
        raise Tampered("people")


async def _addresses(tx: Tx, vault: Vault, ids: Sequence[Mapping[str, str]]) -> list[str]:
    """What codes to these people's addresses, old ones too, are counted under."""
    rows = await tx.each(
        "SELECT e.id, e.address, k.id AS key_id, k.wrapped FROM emails e JOIN people p ON p.id = e.person_id "
        "JOIN keys k ON k.id = p.key_id WHERE p.id IN (SELECT value ->> 'id' FROM each(:batch))",
        ids,
    )
    marks = []
    for row in rows:
        with suppress(Tampered):  # then these counts go by their age
            address = vault.unwrap(row["key_id"], row["wrapped"]).open(row["address"], "emails", row["id"], "address")
            index = address_index(vault, address)
            marks += [index, f"{index}:own"]
    return marks


async def hold(tx: Tx, vault: Vault, id_index: str) -> Subject:
    """Find, where several processes write: until the end nobody links a chat to them, or says something there."""
    await tx.among(
        "SELECT 1 FROM each(:batch) e JOIN people p ON p.id_index = e.value ->> 'index' FOR UPDATE OF p",
        [{"index": id_index}],
    )
    subject = await find(tx, vault, id_index)
    await _hold_chats(tx, subject.accounts)
    return subject


async def _hold_chats(tx: Tx, accounts: Iterable[str]) -> None:
    await tx.among(
        "SELECT 1 FROM each(:batch) e JOIN accounts a ON a.id = e.value ->> 'id' ORDER BY a.id FOR UPDATE OF a",
        [{"id": id} for id in sorted(accounts)],
    )


async def behind(tx: Tx, vault: Vault, key_id: str) -> Subject:
    """Whatever hangs on a data key: a person with their chats, a chat, or nothing but the key."""
    person = await tx.one("SELECT id_index FROM people WHERE key_id = :key", {"key": key_id})
    if person:
        return await find(tx, vault, person["id_index"])
    chat = await tx.one("SELECT id FROM accounts WHERE key_id = :key", {"key": key_id})
    ids = frozenset({chat["id"]} if chat else ())
    return Subject(accounts=ids, keys=frozenset({key_id}), marks=ids)


async def with_strangers(tx: Tx, holds: Sequence[Holds], subject: Subject) -> Subject:
    """And the chats of nobody in which something of this subject lies: somebody typed their ID, or asked for a code.
    Until the end nobody says anything there either."""
    found = [row for row in await _elsewhere(tx, holds, subject) if row["person_id"] is None]
    accounts = subject.accounts | {row["id"] for row in found}
    keys = subject.keys | {row["key_id"] for row in found}
    await _hold_chats(tx, accounts - subject.accounts)
    return Subject(subject.people, accounts, keys, subject.marks | accounts)


async def hosts(tx: Tx, holds: Sequence[Holds], subject: Subject) -> list[str]:
    """Other people's chats in which something of this subject was said: on a phone that they share, say. → accounts,
    in which until the end nobody says anything"""
    found = {row["id"] for row in await _elsewhere(tx, holds, subject) if row["person_id"] is not None}
    others = sorted(found - subject.accounts)
    await _hold_chats(tx, others)
    return others


async def _elsewhere(tx: Tx, holds: Sequence[Holds], subject: Subject) -> list[Row]:
    """Chats that a row about this subject names."""
    found: list[Row] = []
    for hold in holds:
        for column in (column for column, of in hold.by.items() if of == "accounts" and hold.table != "accounts"):
            others = hold.matches(("people", "marks"))
            found += await tx.each(
                "SELECT a.id, a.key_id, a.person_id FROM accounts a "  # noqa: S608  names are ours
                f"WHERE a.id IN (SELECT {column} FROM {hold.table} WHERE {others})",
                subject.rows(),
            )
    return found


# --- access -----------------------------------------------------------------------------------------------------------


async def show(tx: Tx, vault: Vault, holds: Sequence[Holds], subject: Subject) -> dict[str, list[Row]]:
    """Table → its rows about this subject, opened. Holds personal data in plain text: for the terminal alone."""
    shown: dict[str, list[Row]] = {}
    for hold in holds:
        rows = await tx.each(
            f"SELECT * FROM {hold.table} WHERE {hold.where} AND ({hold.matches()})",  # noqa: S608  names are ours
            subject.rows(),
        )
        rows = [{name: value for name, value in row.items() if name not in hold.hidden} for row in rows]
        ring = await _ring(tx, vault, rows)
        shown.setdefault(hold.table, []).extend(
            {name: _open(ring, value, hold.table, row.get(hold.id, ""), name) for name, value in row.items()}
            for row in rows
        )
    return shown


_SEALED = re.compile(r"1\.([0-9a-z]{26})\.[\w-]+")


async def _ring(tx: Tx, vault: Vault, rows: Sequence[Row]) -> Keyring:
    """The keys that these values name: what somebody typed before they logged in lies under their chat's key."""
    found = {match[1] for row in rows for value in row.values() if (match := _sealed(value))}
    keys = await tx.each(
        "SELECT id, wrapped FROM keys WHERE id IN (SELECT value ->> 'id' FROM each(:batch))",
        [{"id": id} for id in sorted(found)],
    )
    return Keyring(*(vault.unwrap(key["id"], key["wrapped"]) for key in keys))


def _sealed(value: Any) -> re.Match[str] | None:
    return _SEALED.fullmatch(value) if isinstance(value, str) else None


def _open(ring: Keyring, value: Any, *place: str) -> Any:
    if not _sealed(value):
        return value
    try:
        return ring.open(value, *place)
    except Tampered:
        return UNREADABLE


async def anything(tx: Tx, holds: Sequence[Holds], subject: Subject) -> bool:
    """Is there a row about this subject?"""
    for hold in holds:
        if await tx.each(
            f"SELECT 1 FROM {hold.table} WHERE {hold.where} AND ({hold.matches()}) LIMIT 1",  # noqa: S608  names are ours
            subject.rows(),
        ):
            return True
    return False


# --- erasure ----------------------------------------------------------------------------------------------------------


async def delete(tx: Tx, holds: Sequence[Holds], subject: Subject, now: int) -> None:
    """All rows about this subject, and their keys: what lies elsewhere under those keys can be opened no more."""
    await chats.end_sessions(tx, sorted(subject.accounts), unlink=True)
    for hold in holds:
        if hold.stays:
            continue
        theirs = f"FROM {hold.table} WHERE {hold.where} AND ({hold.matches()})"  # names are ours
        if hold.leaves:
            await tx.each(
                f"INSERT INTO {hold.leaves} (id, at) SELECT {hold.id}, :now {theirs} ON CONFLICT (id) DO NOTHING",
                subject.rows(),
                {"now": now},
            )
        await tx.each(f"DELETE {theirs}", subject.rows())
