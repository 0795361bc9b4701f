"""What an officer is shown of an item: the same in a chat and at the desk.

Whoever shows it writes that down: `audit.append(tx, vault, now, [shown(by, description)])`, as the last statement of
the transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import structlog

from bot.events import Invalid, Say, Style
from bot.settings import Settings
from bot.times import moment
from handlers.documents import verdicts
from handlers.documents.owner import owners_key, readable
from handlers.documents.rules import read_options, slot_of
from handlers.documents.script import name_of
from handlers.identity import checks, requests
from handlers.organisation.roles import Officer
from handlers.review.queue import Item
from handlers.review.rules import OTHER, Wanted
from storage import audit, people
from storage.database import Row, Tx
from storage.files import content_index
from storage.people import Person
from storage.vault import Tampered, Vault

log = structlog.get_logger()

_CERTIFIED = ("", "hand", "phone")
_CHANNELS = ("line", "web")  # there are words for these


@dataclass(frozen=True)
class Option:
    """A verdict that may be given. `asks`: what must come with it: `reason` (a code of `rules.reasons`, perhaps with
    words), `words` (an answer), `sure` (a second question, `describe.sure` with `name`: then `Decision.sure`).
    `waiver`: there is no paper, and approving is doing without it."""

    wanted: Wanted
    style: Style = "normal"
    asks: Literal["", "reason", "words", "sure"] = ""
    waiver: bool = False

    @property
    def label(self) -> Say:
        return Say(f"choice.waive_{self.wanted}" if self.waiver else f"choice.decide_{self.wanted}")


@dataclass(frozen=True)
class Earlier:
    """A verdict on this paper from before. `at` in milliseconds. `officer`: full name, empty for who is gone."""

    verdict: verdicts.Verdict
    version: int
    level: int
    at: int
    officer: str
    reason: str = ""
    words: str = field(default="", repr=False)


@dataclass(frozen=True)
class Paper:
    """`pages`: how many; 0 where there is no paper (waiver). `file`: id of the PDF that HR judges, empty where there is
    none; `content`: of what is in it, as the verdict will name it. `certified`: hand, phone or ''. `unmarked`: pages,
    from 1, on which nothing says “สำเนาถูกต้อง”, by what the machine sees. `due`: the person's own day. `levels`: how
    many verdicts it needs. `earlier`: verdicts on all versions, oldest first."""

    name: Say
    slot: str
    campaign: str
    version: int
    level: int
    levels: int
    pages: int
    file: str
    content: str
    certified: str
    unmarked: tuple[int, ...]
    submitted_at: int
    due: date | None
    earlier: tuple[Earlier, ...]


@dataclass(frozen=True)
class Claim:
    """Who somebody says they are, against the roster. `birth_date`: CE ISO date or birth_unknown. `matches`: what of it
    agrees (name, birth_date). `reference`: the number on the person's screen. `why`: card, form."""

    reference: str
    why: str
    name: str = field(repr=False)
    birth_date: str = field(repr=False)
    roster_name: str = field(repr=False)
    roster_birth_date: str = field(repr=False)
    matches: Mapping[str, bool]


@dataclass(frozen=True)
class Description:
    """`title`: what it is; `lines`: all there is to say, in order, with who it is; the rest is the same once more, for
    who shows it in another form. `name`: with title. `written`: a request in the person's own words. `options`: the
    usual one first; empty where this officer has judged the same version already, and where it does not open (`lines`
    say why). What a role allows is not looked at here: an item that it does not reach is not found (`queue.NEEDS`).
    `readable`: False, and nothing else is known of it, where something of it does not open, or does not fit together:
    nobody decides that."""

    item: Item
    title: Say
    name: str = field(repr=False)
    unit: str
    position: str
    lines: tuple[Say, ...] = field(repr=False)
    options: tuple[Option, ...]
    paper: Paper | None = None
    claim: Claim | None = field(default=None, repr=False)
    written: tuple[str, ...] = field(default=(), repr=False)
    readable: bool = True


async def describe(tx: Tx, vault: Vault, settings: Settings, officer: Officer, item: Item) -> Description:
    """Raises `Invalid`: item_gone. What does not open has no options, and the others are shown."""
    try:
        found = await people.by_ids(tx, vault, [item.owner])
        if item.owner not in found:
            raise Invalid("item_gone")
        owner = found[item.owner]
        match item.kind:
            case "identity":
                description = await _identity(tx, vault, settings, item, owner)
            case "help" | "lock" | "relink":
                description = await _request(tx, vault, settings, item, owner)
            case _:
                description = await _paper(tx, vault, settings, officer, item, owner)
        _check((description.title, description.lines, description.name, description.unit, description.position))
        return description
    except people.DAMAGED as error:
        log.error("item_unreadable", kind=item.kind, item=item.id, error=type(error).__name__)
        why = (Say("describe.unreadable_why"),)
        return Description(item, Say("describe.unreadable"), "", "", "", why, (), readable=False)


def _check(said: object) -> None:
    """Can it be said? Raises `TypeError` or `ValueError` now, not where words are made of it and nobody is ready."""
    match said:
        case Say():
            _check(tuple(said.params.values()))
        case tuple():
            for one in said:
                _check(one)
        case str():
            said.encode()
        case int() | date():
            pass
        case _:
            raise TypeError(type(said).__name__)


def _can_be_said(value: object) -> bool:
    try:
        _check(value)
    except (TypeError, ValueError):
        return False
    return True


def _who(owner: Person) -> Say:
    return Say("describe.who", {"name": owner.full_name, "unit": owner.unit, "position": _position(owner)})


def _position(owner: Person) -> str:
    return f"{owner.profile.get('position', '')} {owner.profile.get('level', '')}".strip()


def _when(at: int, settings: Settings) -> dict[str, object]:
    then = moment(at, settings.timezone)
    return {"day": then.date(), "time": then}


def _described(
    item: Item, owner: Person, title: Say, lines: Sequence[Say], options: Sequence[Option], **more: Any
) -> Description:
    shown = (_who(owner), *lines)
    return Description(item, title, owner.full_name, owner.unit, _position(owner), shown, tuple(options), **more)


# --- papers -----------------------------------------------------------------------------------------------------------

_PAPER = """
SELECT p.*, k.wrapped, w.key_id AS whose, c.name AS campaign_name, c.options, l.due FROM papers p
JOIN people w ON w.id = p.person_id JOIN keys k ON k.id = p.key_id JOIN campaigns c ON c.id = p.campaign_id
LEFT JOIN listed l ON l.campaign_id = p.campaign_id AND l.person_id = p.person_id WHERE p.id = :id
"""
_VERDICTS = """
SELECT v.*, k.wrapped FROM verdicts v JOIN keys k ON k.id = v.key_id
WHERE v.campaign_id = :campaign AND v.person_id = :person AND v.slot = :slot ORDER BY v.at, v.id
"""


async def _paper(tx: Tx, vault: Vault, settings: Settings, officer: Officer, item: Item, owner: Person) -> Description:
    row = await tx.one(_PAPER, {"id": item.id})
    if row is None:
        raise Invalid("item_gone")
    earlier, mine = await _earlier(tx, vault, officer, item)
    paper = _facts(vault, row, earlier)
    same = any(version == item.version for version in mine)
    lines = [Say("describe.campaign", {"campaign": paper.campaign})]
    lines += _about(paper, item)
    lines.append(Say("describe.submitted", _when(paper.submitted_at, settings)))
    lines += [_told(one, settings) for one in earlier]
    waiver = item.kind == "waiver"
    options: tuple[Option, ...] = (
        Option("approve", "primary", waiver=waiver),
        Option("return", asks="reason", waiver=waiver),
    )
    if same:
        lines, options = [*lines, Say("describe.same_officer")], ()
    title = Say(f"describe.{item.kind}", {"paper": paper.name})
    return _described(item, owner, title, lines, options, paper=paper)


async def _earlier(tx: Tx, vault: Vault, officer: Officer, item: Item) -> tuple[tuple[Earlier, ...], list[int]]:
    """And the versions that this officer has judged."""
    where = {"campaign": item.campaign, "person": item.owner, "slot": item.slot}
    rows = [row for row in await tx.all(_VERDICTS, where) if verdicts.genuine(vault, row)]
    by = await people.legible(tx, vault, [row["officer_id"] for row in rows])
    found = []
    for row in rows:
        why: Mapping[str, str] = {"reason": "", "words": ""}
        with readable("verdicts", row["id"]):
            why = vault.unwrap(row["key_id"], row["wrapped"]).open(row["detail"], "verdicts", row["id"], "detail")
        name = by[row["officer_id"]].full_name if row["officer_id"] in by else ""
        said = (why["reason"], why["words"])
        found.append(Earlier(row["verdict"], row["version"], row["level"], row["at"], name, *said))
    mine = [row["version"] for row in rows if row["officer_id"] == officer.person_id and row["paper_id"] == item.id]
    return tuple(found), mine


def _facts(vault: Vault, row: Row, earlier: tuple[Earlier, ...]) -> Paper:
    """Raises `Tampered` where the row names another file, or other contents, than were handed in (AZ2)."""
    key = owners_key(vault, row, "papers")
    detail = key.open(row["detail"], "papers", row["id"], "detail")
    if row["state"] == "submitted" and (row["file_id"], row["content_index"]) != (
        detail.get("file", row["file_id"]),  # older ones do not name it; its bytes must have the hash all the same
        content_index(vault, detail["sha256"]),
    ):
        raise Tampered("papers")
    if row["certified"] not in _CERTIFIED:
        raise Tampered("papers")
    submitted_at = row["submitted_at"] or 0
    if {type(number) for number in (submitted_at, row["version"], row["level"])} != {int}:
        raise Tampered("papers")
    return Paper(
        name=name_of(slot_of(row["slot"])),
        slot=row["slot"],
        campaign=row["campaign_name"]
        if _can_be_said(row["campaign_name"])
        else "?",  # else none of its could be judged
        version=row["version"],
        level=row["level"],
        levels=read_options(row["options"]).levels,
        pages=len(detail.get("sheets", ())),
        file=row["file_id"] or "",
        content=row["content_index"] or "",
        certified=row["certified"],
        unmarked=tuple(page for page, mark in enumerate(detail.get("marks", ()), 1) if mark is False),
        submitted_at=submitted_at,
        due=date.fromisoformat(row["due"]) if row["due"] else None,
        earlier=earlier,
    )


def _about(paper: Paper, item: Item) -> list[Say]:
    if item.kind == "waiver":
        return [Say("describe.no_such_paper")]
    found = [Say("describe.pages", {"pages": paper.pages})]
    if paper.certified:
        found.append(Say(f"describe.certified_{paper.certified}"))
    if paper.certified == "hand" and paper.unmarked:
        found.append(Say("describe.unmarked", {"pages": ", ".join(map(str, paper.unmarked))}))
    return found


def _told(one: Earlier, settings: Settings) -> Say:
    why = Say(f"reason.{one.reason}") if one.reason and one.reason != OTHER else ""
    params = {"officer": one.officer or Say("none_yet"), "why": why, "words": one.words, **_when(one.at, settings)}
    return Say(f"describe.before_{one.verdict}", params)


# --- who somebody is --------------------------------------------------------------------------------------------------


async def _identity(tx: Tx, vault: Vault, settings: Settings, item: Item, owner: Person) -> Description:
    claimed = await checks.claimed(tx, vault, item.id)
    if claimed is None:
        raise Invalid("item_gone")
    claim = Claim(
        reference=claimed.reference,
        why=claimed.why,
        name=claimed.claim["name"],
        birth_date=claimed.claim["birth_date"],
        roster_name=owner.full_name,
        roster_birth_date=owner.profile["birth_date"],
        matches=checks.matches(owner, claimed.claim),
    )
    agrees = all(claim.matches.values())
    lines = (
        Say("describe.reference", {"reference": claim.reference, **_when(item.asked_at, settings)}),
        Say(f"describe.why_{claim.why}"),
        _compared("name", claim.name, claim.roster_name, agrees=claim.matches["name"]),
        _compared(
            "birth_date", _day(claim.birth_date), _day(claim.roster_birth_date), agrees=claim.matches["birth_date"]
        ),
        Say("describe.see_card", {"name": claim.roster_name}),
    )
    options = (Option("confirm", "primary", "" if agrees else "sure"), Option("refuse"))
    return _described(item, owner, Say("describe.identity"), lines, options, claim=claim)


def _compared(what: str, typed: object, roster: object, *, agrees: bool) -> Say:
    said = "agrees" if agrees else "differs"
    return Say(f"describe.{what}_{said}", {"typed": typed, "roster": roster})


def _day(text: str) -> object:
    return date.fromisoformat(text) if text not in ("", "birth_unknown") else Say("describe.unknown")


# --- requests ---------------------------------------------------------------------------------------------------------


async def _request(tx: Tx, vault: Vault, settings: Settings, item: Item, owner: Person) -> Description:
    asked = await requests.request(tx, vault, item.id)
    if asked is None:
        raise Invalid("item_gone")
    if asked.channel not in _CHANNELS:
        raise Tampered("accounts")
    title = Say(f"describe.{item.kind}")
    match item.kind:
        case "help":
            lines = [Say("describe.asked", {"words": words, **_when(at, settings)}) for at, words in asked.asked]
            written = tuple(words for _, words in asked.asked)
            return _described(item, owner, title, lines, [Option("answer", "primary", "words")], written=written)
        case "lock":
            options = [Option("unlock", "primary"), Option("refuse")]
            about = Say("describe.locked", _when(item.asked_at, settings))
            return _described(item, owner, title, [about, Say("describe.see_card", {"name": owner.full_name})], options)
        case _:
            options = [Option("keep", "primary"), Option("cut_off")]
            way = {"way": Say(f"channel.{asked.channel}"), **_when(item.asked_at, settings)}
            before = [Say("describe.relinked_before", {**way, **_when(at, settings)}) for at in asked.chain]
            lines = [*before, Say("describe.relinked", way), Say("describe.ask_them")]
            return _described(item, owner, title, lines, options)


def shown(by: str, description: Description) -> audit.Line:
    """`by`: as in `audit.Line`."""
    item = description.item
    return audit.Line(by, "item.shown", item.owner, {"kind": item.kind, "item": item.id})
