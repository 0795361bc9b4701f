"""What the desk shows of an item: facts of the roster beside a paper, and how earlier versions of it were judged."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from bot.events import Language, Say
from bot.text import Texts
from bot.thai import format_date
from handlers.documents.rules import EVERY_SLOT, Slot, slot_of
from handlers.documents.script import name_of
from handlers.review.describing import Description, Paper
from handlers.review.queue import Item
from handlers.review.rules import OTHER, reasons
from storage import people
from storage.database import Tx
from storage.people import Person
from storage.vault import Vault

DAY_MS = 86_400_000
_SLOTS = {id: slot for id, slot in EVERY_SLOT.items() if slot.nth <= 1}  # children are one in a list
# What a list can be narrowed down to: name in an address → pattern of the slots
KINDS_OF_PAPER = {"child" if slot.nth else id: "child.%" if slot.nth else id for id, slot in _SLOTS.items()}


async def rows(
    tx: Tx, vault: Vault, texts: Texts, language: Language, items: Sequence[Item], now: int
) -> list[dict[str, Any]]:
    """Of a list of items: whose, what, for how many days. Names of other people: whoever asks has it audited. What does
    not open is named so, and keeps none of the others back."""
    owners = await people.legible(tx, vault, [item.owner for item in items])
    unreadable = texts(language, "desk.unreadable_item")
    units = await unit_names(tx, language, [item.unit for item in items])
    return [
        {
            "id": item.id,
            "kind": item.kind,
            "title": title(texts, language, item),
            "name": owners[item.owner].full_name if item.owner in owners else unreadable,
            "unit": units.get(item.unit, item.unit),
            "days": max(0, (now - item.asked_at) // DAY_MS) if item.asked_at else 0,  # else it was edited
            "after": "{}.{}".format(*item.place),
        }
        for item in items
    ]


def papers(texts: Texts, language: Language) -> list[tuple[str, str]]:
    """Names of `KINDS_OF_PAPER`, each in words, in the order of the letter's list."""
    ordered = sorted(_SLOTS.values(), key=lambda slot: slot.number)
    return [("child" if slot.nth else slot.id, _any_of(texts, language, slot)) for slot in ordered]


def _any_of(texts: Texts, language: Language, slot: Slot) -> str:
    return texts(language, "desk.paper_child") if slot.nth else texts.say(language, name_of(slot))


def title(texts: Texts, language: Language, item: Item) -> str:
    if not item.slot:
        return texts(language, f"desk.kind_{item.kind}")
    try:
        paper = texts.say(language, name_of(slot_of(item.slot)))
        return texts(language, "desk.waiver_of", {"paper": paper}) if item.kind == "waiver" else paper
    except KeyError:  # none of ours
        return texts(language, "desk.unreadable_item")


async def unit_names(tx: Tx, language: Language, codes: Sequence[str]) -> Mapping[str, str]:
    """By code."""
    found = await tx.each(
        "SELECT o.code, o.name_th, o.name_en FROM each(:batch) e JOIN organisations o ON o.code = e.value ->> 'code'",
        [{"code": code} for code in sorted(set(codes))],
    )
    return {row["code"]: (row["name_en"] if language == "en" else "") or row["name_th"] for row in found}


def facts(texts: Texts, language: Language, shown: Description, owner: Person, unit: str) -> list[dict[str, str]]:
    """In the order in which they are compared with a paper."""
    profile, paper = owner.profile, shown.paper
    born = profile.get("birth_date", "")
    told = {
        "name": owner.full_name,
        "national_id": masked(profile["national_id"]),
        "birth_date": format_date(date.fromisoformat(born), language) if born else "",
        "position": shown.position,
        "position_no": profile.get("position_no", ""),
        "unit": unit or owner.unit,
    }
    if paper:
        told["campaign"] = paper.campaign
        told["due"] = format_date(paper.due, language) if paper.due else ""
        if paper.file:
            told["certified"] = texts(language, f"desk.certified_{paper.certified or 'not'}")
            told["marks"] = _marks(texts, language, paper)
        told["submitted"] = _moment(texts, language, paper.submitted_at)
        if paper.levels > 1:
            told["level"] = texts(language, "desk.level_of", {"level": paper.level, "levels": paper.levels})
    return [
        {"key": key, "label": texts(language, f"desk.fact_{key}"), "value": value}
        for key, value in told.items()
        if value
    ]


def _marks(texts: Texts, language: Language, paper: Paper) -> str:
    """A hint: on which pages nothing was found that says “สำเนาถูกต้อง”."""
    if paper.certified == "phone" or not paper.unmarked:
        return ""
    return texts(language, "desk.marks_missing", {"pages": ", ".join(map(str, paper.unmarked))})


def lines(texts: Texts, language: Language, shown: Description) -> list[str]:
    """What there is to say of an item that is no paper; whose it is stands beside it, unless that does not open."""
    if not shown.readable:
        return [texts.say(language, line) for line in shown.lines]
    return [] if shown.paper and shown.paper.file else [texts.say(language, line) for line in shown.lines[1:]]


def history(texts: Texts, language: Language, shown: Description) -> list[dict[str, str]]:
    """Earlier verdicts on this paper, newest first."""
    return [
        {
            "verdict": texts(language, f"desk.verdict_{one.verdict}"),
            "at": _moment(texts, language, one.at),
            "officer": one.officer,
            "reason": texts(language, f"reason.{one.reason}") if one.reason and one.reason != OTHER else "",
            "words": one.words,
        }
        for one in reversed(shown.paper.earlier if shown.paper else ())
    ]


def options(texts: Texts, language: Language, shown: Description) -> list[dict[str, str]]:
    """The verdicts that may be given, the usual one first. `sure`: asked before it counts, where it does not name a
    paper: whom it concerns is locked out, or let in, by it."""
    found = []
    for option in shown.options:
        label = texts.say(language, option.label)
        sure = ""
        if option.asks == "sure":
            sure = texts(language, "describe.sure", {"name": shown.name})
        elif not option.asks and shown.paper is None:
            sure = texts(language, "desk.sure", {"verdict": label, "name": shown.name})
        found.append({"wanted": option.wanted, "label": label, "asks": option.asks, "sure": sure})
    return found


def why(texts: Texts, language: Language, item: Item) -> list[dict[str, str]]:
    """Ready reasons for sending it back, the likeliest first."""
    if not item.slot:
        return []
    try:
        codes = reasons(item.slot, waiver=item.kind == "waiver")
    except KeyError:
        return []
    return [{"code": code, "words": texts(language, f"reason.{code}")} for code in codes]


def masked(national_id: str) -> str:
    return f"x-xxxx-xxxxx-{national_id[10:12]}-{national_id[12:]}" if len(national_id) == 13 else ""


def written(national_id: str) -> str:
    """1-2345-67890-12-3, as on the card."""
    n = national_id
    return f"{n[0]}-{n[1:5]}-{n[5:10]}-{n[10:12]}-{n[12]}"


def _moment(texts: Texts, language: Language, at: int) -> str:
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return texts.say(language, Say("desk.moment", {"day": moment.astimezone(texts.timezone).date(), "time": moment}))
