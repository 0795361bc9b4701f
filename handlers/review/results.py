"""What people hear of the verdicts on their papers: all that were given in some minutes, in one message.

1. a verdict posts one notice to its owner, unless one waits already (`deciding.py`);
2. the first claim collects whatever nobody has told yet, and marks it told, in the transaction that writes the message;
3. what has been overtaken by then (sent again, returned at the second level) is not told: it is not true any more.

Who has no chat gets a mail, which says how many and nothing else: anybody may read it over a shoulder.
"""

from collections.abc import Sequence
from datetime import date

from bot.events import Say
from bot.outbox import Entry
from bot.topic import Truth, Words
from handlers.documents import families, store, verdicts
from handlers.documents.owner import readable
from handlers.documents.rules import read_options, slot_of, standing
from handlers.documents.script import name_of, reason_of
from storage import people
from storage.database import Row, Tx
from storage.vault import Vault

NAMED_MOST = 12  # papers in one message, of each kind

_UNTOLD = """
SELECT v.*, k.wrapped, p.state AS stands FROM verdicts v JOIN keys k ON k.id = v.key_id
LEFT JOIN papers p ON p.id = v.paper_id AND p.version = v.version
WHERE v.person_id = :person AND v.told_at IS NULL ORDER BY v.at, v.id
"""
_CHAT = """
SELECT 1 FROM accounts a WHERE a.person_id = :person AND a.reachable = 1
AND (a.channel <> 'web' OR a.session IS NOT NULL)
"""


def verdicts_told(vault: Vault) -> Truth:
    async def told(tx: Tx, entry: Entry, now: int) -> Words | None:
        person = {"person": entry.person_id or ""}
        # whoever else claims the same notice has to wait, and finds nothing left
        rows = await tx.all(f"{_UNTOLD} FOR UPDATE OF v", person)
        await tx.run(
            "UPDATE verdicts SET told_at = :now WHERE person_id = :person AND told_at IS NULL", {**person, "now": now}
        )
        true = [row for row in rows if row["stands"] == row["verdict"] and verdicts.genuine(vault, row)]
        if not true:
            return None
        counts = {one: sum(row["verdict"] == one for row in true) for one in ("approved", "returned", "waived")}
        if await tx.one(_CHAT, person) is None:
            found = await people.by_ids(tx, vault, [person["person"]])
            owner = found.get(person["person"])
            return Words("verdicts.counts", counts, mail=owner.email.address) if owner and owner.email else None
        lines = (*_passed(true, "approved"), *_returned(vault, true), *_passed(true, "waived"))
        on = ("documents", "ask_hr") if counts["returned"] else ("documents",)
        return Words("verdicts.told", {"lines": (*lines, *await _certified(tx, vault, true))}, menu=on)

    return told


def _passed(rows: Sequence[Row], verdict: str) -> tuple[Say, ...]:
    papers = [name_of(slot_of(row["slot"])) for row in rows if row["verdict"] == verdict]
    if not papers:
        return ()
    named = tuple(Say("verdicts.item", {"paper": paper}) for paper in papers[:NAMED_MOST])
    return (Say(f"verdicts.{verdict}", {"n": len(papers), "papers": named}),)


def _returned(vault: Vault, rows: Sequence[Row]) -> tuple[Say, ...]:
    found = []
    for row in rows:
        if row["verdict"] != "returned" or not row["until"]:
            continue
        why: object = ""
        with readable("verdicts", row["id"]):
            detail = vault.unwrap(row["key_id"], row["wrapped"]).open(row["detail"], "verdicts", row["id"], "detail")
            why = reason_of(detail["reason"], detail["words"])
        paper, until = name_of(slot_of(row["slot"])), date.fromisoformat(row["until"])
        found.append(Say("verdicts.returned_item", {"paper": paper, "reason": why, "until": until}))
    return (Say("verdicts.returned", {"n": len(found), "papers": tuple(found[:NAMED_MOST])}),) if found else ()


async def _certified(tx: Tx, vault: Vault, rows: Sequence[Row]) -> tuple[Say, ...]:
    """Of the campaigns that these were for, those in which nothing is left to be decided."""
    said = []
    for campaign in dict.fromkeys(row["campaign_id"] for row in rows):
        person = rows[0]["person_id"]
        asked = await tx.one("SELECT name, options FROM campaigns WHERE id = :id", {"id": campaign})
        family = (await families.of(tx, vault, [person])).get(person)
        if asked is None or family is None:
            continue
        have = (await store.papers(tx, vault, [{"person": person, "campaign": campaign}])).get(person, {})
        owed = standing(family, read_options(asked["options"]), {slot: paper.state for slot, paper in have.items()})  # type: ignore[misc]
        if owed.complete:
            said.append(Say("verdicts.certified", {"name": asked["name"]}))
    return tuple(said)
