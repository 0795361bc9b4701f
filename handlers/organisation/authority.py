"""Who may act for HR just now. Looked up each time something is asked for, so that whoever loses a role is powerless at
once: in chats, at the desk, behind old buttons and links."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import structlog

from handlers.organisation.roles import ROLES, SUPERVISED_KINDS, SUPERVISES, Held, Officer
from storage.database import Row, Tx
from storage.macs import fits, mac
from storage.vault import Vault

log = structlog.get_logger()

ACTS = "active"  # the status of who may act: not somebody on leave, suspended, or elsewhere

GRANT = (
    "id", "person_id", "role", "scope", "below", "home", "key_id", "detail", "order_date", "order_file", "starts_on",
    "ends_on", "granted_by", "granted_at", "ended_at", "ended_why",
)  # fmt: skip
ABSENCE = ("id", "person_id", "colleague_id", "starts_on", "ends_on", "made_at")

_GRANTS = """
SELECT g.*, p.organisation_code AS now_in, p.status FROM each(:batch) e JOIN grants g ON g.person_id = e.value ->> 'id'
JOIN people p ON p.id = g.person_id
WHERE g.ended_at IS NULL AND g.starts_on <= :today AND (g.ends_on IS NULL OR g.ends_on >= :today)
ORDER BY g.granted_at, g.id
"""

# Down the tree from each scope: only itself, what is subordinate, or with what is supervised besides.
_UNITS = f"""
WITH RECURSIVE covered (grant_id, reach, code) AS (
    SELECT e.value ->> 'id', e.value ->> 'reach', o.code FROM each(:batch) e
    JOIN organisations o ON o.code = e.value ->> 'scope'
    UNION
    SELECT c.grant_id, c.reach, o.code FROM covered c JOIN organisations o ON o.parent_code = c.code
    WHERE c.reach = 'supervised' OR (c.reach = 'below' AND o.type NOT IN {SUPERVISED_KINDS})
)
SELECT grant_id, code FROM covered
"""  # noqa: S608  its parts are constants

_ABSENCES = """
SELECT a.* FROM each(:batch) e
JOIN absences a ON a.person_id = e.value ->> 'id' OR a.colleague_id = e.value ->> 'id'
WHERE a.starts_on <= :today AND a.ends_on >= :today
"""


async def officers(tx: Tx, vault: Vault, people: Sequence[str], today: date) -> Mapping[str, Officer]:
    """Those of them who hold a role today, by person id. Three queries."""
    given = {"today": today.isoformat()}
    absences = await _absences(tx, vault, people, given)
    near = {*people, *(row[whose] for row in absences for whose in ("person_id", "colleague_id"))}
    grants = [
        row for row in await tx.each(_GRANTS, [{"id": id} for id in sorted(near)], given) if _in_force(vault, row)
    ]
    units: dict[str, set[str]] = {}
    for row in await tx.each(_UNITS, [{"id": g["id"], "scope": g["scope"], "reach": _reach(g)} for g in grants]):
        units.setdefault(row["grant_id"], set()).add(row["code"])
    held: dict[str, list[Held]] = {}
    for row in grants:
        one = Held(row["id"], row["role"], frozenset(units.get(row["id"], ())))
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


async def units(tx: Tx, scope: str, *, below: bool) -> frozenset[str]:
    """Codes of this organisation and, with `below`, of what is subordinate to it; none where there is no such one."""
    reach = "below" if below else "own"
    rows = await tx.each(_UNITS, [{"id": "", "scope": scope, "reach": reach}])
    return frozenset(row["code"] for row in rows)


def grant_mac(vault: Vault, row: Mapping[str, Any]) -> str:
    return mac(vault.secret("grants"), *(row[column] for column in GRANT))


def absence_mac(vault: Vault, row: Mapping[str, Any]) -> str:
    return mac(vault.secret("absences"), *(row[column] for column in ABSENCE))


def _in_force(vault: Vault, row: Row) -> bool:
    if not fits(row["mac"], vault.secret("grants"), *(row[column] for column in GRANT)):
        log.error("grant_forged", grant=row["id"])
        return False
    return row["role"] in ROLES and row["home"] == (row["now_in"] or "") and row["status"] == ACTS


def _reach(grant: Row) -> str:
    if not grant["below"]:
        return "own"
    return "supervised" if grant["role"] in SUPERVISES else "below"


async def _absences(tx: Tx, vault: Vault, people: Sequence[str], today: Mapping[str, str]) -> list[Row]:
    """Of these people and for them, those that KP7 wrote."""
    rows = await tx.each(_ABSENCES, [{"id": id} for id in sorted(set(people))], today)
    return [row for row in rows if fits(row["mac"], vault.secret("absences"), *(row[column] for column in ABSENCE))]
