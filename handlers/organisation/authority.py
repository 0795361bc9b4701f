"""Who may act for HR just now. Looked up each time something is asked for, so that whoever loses a role is powerless at
once: in chats, at the desk, behind old buttons and links."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import structlog

from handlers.organisation.roles import ROLES, SUPERVISED_KINDS, SUPERVISES, Held, Officer
from storage import audit
from storage.database import Row, Tx
from storage.macs import fits, mac
from storage.seals import ORGANISATIONS, PEOPLE
from storage.vault import Vault

log = structlog.get_logger()

ACTS = "active"  # the status of who may act: not somebody on leave, suspended, or elsewhere

GRANT = (
    "id", "person_id", "role", "scope", "below", "home", "key_id", "detail", "order_date", "order_file", "starts_on",
    "ends_on", "granted_by", "granted_at", "ended_at", "ended_why",
)  # fmt: skip
ABSENCE = ("id", "person_id", "colleague_id", "starts_on", "ends_on", "made_at")

_GRANTS = """
SELECT g.*, p.id_index, p.organisation_code, p.status, p.mac AS person_mac FROM each(:batch) e
JOIN grants g ON g.person_id = e.value ->> 'id'
JOIN people p ON p.id = g.person_id
WHERE g.ended_at IS NULL AND g.starts_on <= :today AND (g.ends_on IS NULL OR g.ends_on >= :today)
ORDER BY g.granted_at, g.id
"""

# Down the tree from each scope: only itself, what is subordinate, or with what is supervised besides.
# Whether KP7 put them there is asked of each of them: `_within`.
_UNITS = f"""
WITH RECURSIVE covered (grant_id, scope, reach, code) AS (
    SELECT e.value ->> 'id', o.code, e.value ->> 'reach', o.code FROM each(:batch) e
    JOIN organisations o ON o.code = e.value ->> 'scope'
    UNION
    SELECT c.grant_id, c.scope, c.reach, o.code FROM covered c JOIN organisations o ON o.parent_code = c.code
    WHERE c.reach = 'supervised' OR (c.reach = 'below' AND o.type NOT IN {SUPERVISED_KINDS})
)
SELECT c.grant_id, c.scope, {", ".join(f"o.{column}" for column in (*ORGANISATIONS.bound, "mac"))}
FROM covered c JOIN organisations o ON o.code = c.code
"""  # noqa: S608  its parts are constants

_ABSENCES = """
SELECT a.* FROM each(:batch) e
JOIN absences a ON a.person_id = e.value ->> 'id' OR a.colleague_id = e.value ->> 'id'
WHERE a.starts_on <= :today AND a.ends_on >= :today
"""


async def officers(tx: Tx, vault: Vault, people: Sequence[str], today: date) -> Mapping[str, Officer]:
    """Those of them who hold a role today, by person id. Two queries, four where somebody holds any."""
    given = {"today": today.isoformat()}
    absences = await _absences(tx, vault, people, given)
    near = {*people, *(row[whose] for row in absences for whose in ("person_id", "colleague_id"))}
    grants = [
        row for row in await tx.each(_GRANTS, [{"id": id} for id in sorted(near)], given) if _in_force(vault, row)
    ]
    ended = await _ended(tx, vault, sorted({row["person_id"] for row in grants}))
    grants = [row for row in grants if not _put_back(row, ended)]
    units = await _within(tx, vault, [{"id": g["id"], "scope": g["scope"], "reach": _reach(g)} for g in grants])
    held: dict[str, list[Held]] = {}
    for row in grants:
        one = Held(row["id"], row["role"], units.get(row["id"], frozenset()))
        held.setdefault(row["person_id"], []).append(one)
    acting = {person: Officer(person, tuple(roles)) for person, roles in held.items()}
    handed = [(row["person_id"], row["colleague_id"]) for row in absences if _looked_after(acting, row)]
    return {
        person: Officer(
            person,
            found.held,
            away=any(person == away for away, _ in handed),
            stands_in_for=tuple(sorted({away for away, colleague in handed if colleague == person})),
        )
        for person, found in acting.items()
        if person in people
    }


def _looked_after(acting: Mapping[str, Officer], absence: Row) -> bool:
    """Does the colleague (still) hold what the officer holds? Else nobody would be told that something waits."""
    away, colleague = acting.get(absence["person_id"]), acting.get(absence["colleague_id"])
    return away is not None and colleague is not None and colleague.covers(away)


async def officer(tx: Tx, vault: Vault, person_id: str, today: date) -> Officer | None:
    return (await officers(tx, vault, [person_id], today)).get(person_id)


async def units(tx: Tx, vault: Vault, scope: str, *, below: bool) -> frozenset[str]:
    """Codes of this organisation and, with `below`, of what is subordinate to it; none where there is no such one."""
    reach = "below" if below else "own"
    return (await _within(tx, vault, [{"id": "", "scope": scope, "reach": reach}])).get("", frozenset())


def grant_mac(vault: Vault, row: Mapping[str, Any]) -> str:
    return mac(vault.secret("grants"), *(row[column] for column in GRANT))


def absence_mac(vault: Vault, row: Mapping[str, Any]) -> str:
    return mac(vault.secret("absences"), *(row[column] for column in ABSENCE))


def _in_force(vault: Vault, row: Row) -> bool:
    if not fits(row["mac"], vault.secret("grants"), *(row[column] for column in GRANT)):
        log.error("grant_forged", grant=row["id"])
        return False
    holder = {name: row[name] for name in PEOPLE.bound} | {"id": row["person_id"], "mac": row["person_mac"]}
    there = row["home"] == (row["organisation_code"] or "") and row["status"] == ACTS
    return row["role"] in ROLES and there and PEOPLE.genuine(vault, holder)


async def _ended(tx: Tx, vault: Vault, people: Sequence[str]) -> set[str]:
    """Ids of grants of theirs of which the audit log says that they have ended."""
    return {detail.get("grant", "") for detail in await audit.details(tx, vault, people, "officer.ended")}


def _put_back(row: Row, ended: set[str]) -> bool:
    """A row from before it was ended, genuine then. To be powerful again it would need a hole in the log, too."""
    if row["id"] in ended:
        log.error("grant_put_back", grant=row["id"])
    return row["id"] in ended


async def _within(tx: Tx, vault: Vault, scopes: Sequence[Mapping[str, str]]) -> dict[str, frozenset[str]]:
    """`scopes`: id, scope, reach. → by id, the codes that it reaches, each on the way by rows that KP7 wrote."""
    below: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    todo: dict[str, list[str]] = {}
    for row in await tx.each(_UNITS, scopes):
        if not ORGANISATIONS.genuine(vault, row):
            continue
        if row["code"] == row["scope"]:
            todo[row["grant_id"]] = [row["code"]]
        else:
            below[row["grant_id"]][row["parent_code"]].append(row["code"])
    reached: dict[str, set[str]] = {}
    for id, codes in todo.items():
        found = reached.setdefault(id, set())
        while codes:
            if (code := codes.pop()) not in found:
                found.add(code)
                codes += below[id][code]
    return {id: frozenset(found) for id, found in reached.items()}


def _reach(grant: Row) -> str:
    if not grant["below"]:
        return "own"
    return "supervised" if grant["role"] in SUPERVISES else "below"


async def _absences(tx: Tx, vault: Vault, people: Sequence[str], today: Mapping[str, str]) -> list[Row]:
    """Of these people and for them, those that KP7 wrote."""
    rows = await tx.each(_ABSENCES, [{"id": id} for id in sorted(set(people))], today)
    return [row for row in rows if fits(row["mac"], vault.secret("absences"), *(row[column] for column in ABSENCE))]
