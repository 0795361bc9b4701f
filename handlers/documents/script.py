"""The conversations about papers, in reading order. Pure (law 1, see `bot.flow`).

What a paper's effect does shows among the facts, and these decide what is asked next: so after such an effect nothing
follows here. An answer about a paper names what was on the screen (`seen`, a version), so that it answers nothing else
when another draft or paper has taken its place.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from datetime import date
from typing import Any

from bot import thai
from bot.answers import typed
from bot.events import File, Invalid, Say, Text
from bot.flow import Ask, Choice, Do, Script, Then, digest
from bot.values import frozen
from handlers.documents import effects as do
from handlers.documents.rules import CHILDREN_MOST, Checklist, Family, Options, Slot, State

SLOTS_SHOWN = 17  # with what stands below them, what a card of LINE can hold
TO_LIST = Choice("to_list", style="quiet")


@frozen
class Draft:
    """What was sent for a paper that is not made yet. `pages`: ids of what is ready, in order. `photos`: how many, or
    `sheets` of a PDF. `picture`: id of a JPEG of its first page. `same_as`: slots for which a file was sent already."""

    pages: tuple[str, ...] = ()
    photos: int = 0
    sheets: int = 0
    coming: int = 0
    picture: str = ""
    same_as: tuple[Slot, ...] = ()
    repaired: bool = False


@frozen
class InHand:
    """A paper that there is. `sheets`: how many pages. `certified`: hand, phone, or not yet. `unmarked`: pages, from 1,
    on which nothing was found that says “สำเนาถูกต้อง”, which is no more than a hint. `blank`: pages that our stamp left
    as they were, as nothing is on them. `returned`: a code of why, the officer's own words, and until when it is wanted
    again; where a paper was returned, and nobody has touched what was said of it."""

    state: State
    version: int
    sheets: int = 0
    certified: str = ""
    picture: str = ""
    unmarked: tuple[int, ...] = ()
    blank: tuple[int, ...] = ()
    returned: tuple[str, str, date] | None = None


@frozen
class Facts:
    """What the scripts may know. Without `campaign` nobody asks for papers. `on_phone`: the office takes papers that
    are certified on the phone; `signed`: there is a signature to do so with. `before`: as in `campaigns.Owed`."""

    today: date
    campaign: str = ""
    name: str = ""
    due: date = date.min
    options: Options = Options()
    before: tuple[tuple[str, int], ...] = ()
    family: Family | None = None
    checklist: Checklist = Checklist((), ())
    drafts: Mapping[str, Draft] = field(default_factory=dict)
    papers: Mapping[str, InHand] = field(default_factory=dict)
    on_phone: bool = True
    signed: bool = False

    def slot(self, id: str) -> Slot | None:
        return next((slot for slot in self.checklist.slots if slot.id == id and not slot.reuses), None)

    def in_state(self, state: State) -> list[Slot]:
        owed = [slot for slot in self.checklist.slots if not slot.reuses and slot.id in self.papers]
        return [slot for slot in owed if self.papers[slot.id].state == state]


def name_of(slot: Slot) -> Say:
    return Say(f"paper.{slot.kind}", {"n": slot.nth})


# --- what is owed ---------------------------------------------------------------------------------------------------


def documents(facts: Facts, _args: Mapping[str, Any]) -> Script[Any]:
    """The checklist: what is there, what is missing, by when."""
    if not facts.campaign:
        return Say("documents.none")
    if facts.family is None:
        return Then("family", say=(Say("documents.begin", {"name": facts.name, "due": facts.due}),))
    owed = facts.checklist
    chosen = yield from Ask[str](
        "checklist",
        parse=_not_yet(owed),
        choices=(
            *((Choice("submit", style="primary"),) if owed.ready else ()),
            *_papers(facts),
            Choice("family", style="quiet"),
            Choice("close", style="quiet"),
        ),
        text=_how_far(facts),
        menu=True,
        params=_counts(facts),
    )
    match chosen:
        case "submit":
            ready = [[slot.id, facts.papers[slot.id].version] for slot in facts.in_state("received")]
            asked = [slot.id for slot in facts.in_state("asked")]
            return Then("submit", {"campaign": facts.campaign, "papers": ready, "asked": asked})
        case "family":
            return Then("family", say=(Say("documents.family_again"),) if owed.handed_in else ())
        case "close":
            return None
    return Then("paper", {"slot": chosen, "look": chosen in facts.papers and facts.papers[chosen].state != "taken"})


HAND_IN = frozenset({"ส่งตรวจ", "hand in", "submit"})


def _not_yet(owed: Checklist) -> Callable[[Text | File], Any] | None:
    """Typing answers nothing here; but who wants to hand in too early hears what is missing."""

    def parse(event: Text | File) -> Any:
        if isinstance(event, File):
            raise Invalid("no_file_here")
        if thai.clean(event.body).casefold() in HAND_IN:
            raise Invalid("papers_missing", papers=_items(owed.missing))
        raise Invalid("choose")

    return parse if owed.missing else None


def _items(slots: Sequence[Slot]) -> tuple[Say, ...]:
    return tuple(Say("documents.item", {"paper": name_of(slot)}) for slot in slots)


def _papers(facts: Facts) -> tuple[Choice, ...]:
    """A button a paper."""
    return tuple(
        Choice(slot.id, label="choice.paper", params={"mark": Say(f"mark.{state}"), "paper": name_of(slot)})
        for slot, state in _shown(facts)
    )


def _shown(facts: Facts) -> list[tuple[Slot, State]]:
    """What has a button, and its mark; where there are too many, what is missing comes first."""
    owed = facts.checklist
    begun = {slot for slot, draft in facts.drafts.items() if draft.pages or draft.coming}
    states: list[State] = [
        "taken" if s == "missing" and o.id in begun else s for o, s in zip(owed.slots, owed.states, strict=True)
    ]
    entries = [(s, state) for s, state in zip(owed.slots, states, strict=True) if not s.reuses]
    if len(entries) > SLOTS_SHOWN:
        entries.sort(key=lambda entry: entry[1] not in ("missing", "taken", "returned"))
    return entries[:SLOTS_SHOWN]


MARKED: tuple[State, ...] = ("missing", "taken", "returned", "received", "asked", "submitted", "waiting", "approved")


def _marks(facts: Facts) -> Say | str:
    """What the marks mean that stand on the buttons, in one line."""
    there = {"approved" if state == "waived" else state for _, state in _shown(facts)}  # the same mark
    line: Say | str = ""
    for state in reversed([state for state in MARKED if state in there]):
        mark = Say(f"legend.{state}")
        line = Say("legend.more", {"mark": mark, "more": line}) if line else mark
    return line


def _how_far(facts: Facts) -> str:
    owed = facts.checklist
    if owed.complete:
        return "ask.checklist_complete"
    if owed.ready:
        return "ask.checklist_ready"
    return "ask.checklist" if owed.missing else "ask.checklist_waiting"


def _counts(facts: Facts) -> dict[str, object]:
    """Words for what is there and how much time is left; the buttons say what is missing."""
    owed = facts.checklist
    whole = owed.whole
    reused = [slot for slot in owed.slots if slot.reuses]
    return {
        "name": _title(facts),
        "done": whole - len(owed.missing),
        "whole": whole,
        "left": _left(facts.due, facts.today),
        "reused": Say("documents.reused") if reused else "",
        "more": Say("documents.more", {"n": whole - SLOTS_SHOWN}) if whole > SLOTS_SHOWN else "",
        "marks": _marks(facts),
    }


def _title(facts: Facts) -> str | Say:
    """Who handed in elsewhere before sees that it is still there, although this list begins with nothing."""
    if not facts.before:
        return facts.name
    items = tuple(Say("documents.before_item", {"name": name, "n": n}) for name, n in facts.before)
    return Say("documents.before", {"name": facts.name, "items": items})


def _left(due: date, today: date) -> Say:
    days = (due - today).days
    if days < 0:
        return Say("documents.overdue", {"due": due, "days": -days})
    return Say("documents.due_today" if days == 0 else "documents.due", {"due": due, "days": days})


def owed(name: str, due: date, today: date, returned: int = 0) -> Say:
    """For who has just come in. `returned`: how many papers came back."""
    left = _left(due, today)
    return (
        Say("documents.owed_returned", {"name": name, "n": returned})
        if returned
        else Say("documents.owed", {"name": name, "left": left})
    )


def family(facts: Facts, _args: Mapping[str, Any]) -> Script[Any]:
    """Whose papers are owed? One question each. The answers can be changed at any time, and with them what is owed, but
    for what was handed in: that stays."""
    if not facts.campaign:
        return Say("documents.none")
    answers: dict[str, int] = {}
    for parent in ("father", "mother"):
        # who does not know has no paper to send either, and says so where it is asked for
        lives = yield from Ask[str](parent, choices=(Choice("alive"), Choice("died"), Choice("parent_unknown")))
        answers[f"{parent}_died"] = lives == "died"
    answers["spouse"] = yield from _yes_or_no("spouse")
    answers["children"] = yield from Ask[int]("children", typed(_children), input="digits")
    if facts.options.reuse_degree:
        same = yield from Ask[str]("same_degree", choices=(Choice("degree_same"), Choice("degree_higher")))
        answers["same_degree"] = same == "degree_same"
    answers["licence"] = yield from _yes_or_no("licence")
    answers["name_changed"] = yield from _yes_or_no("name_changed")
    yield from Do[bool]("saved", do.SaveFamily(tuple(sorted((k, int(v)) for k, v in answers.items()))), final=True)
    return Then("documents", say=(Say("documents.family_saved"),))


def _yes_or_no(key: str) -> Script[bool]:
    answer = yield from Ask[str](key, choices=(Choice("yes"), Choice("no")))
    return answer == "yes"


# As people write it: 2, ๒ คน, มี 2 คนค่ะ, ไม่มีลูกครับ, none.
_CHILDREN = re.compile(r"(?:มี\s*)?([0-9]{1,3})\s*(?:คน)?|ไม่มี(?:บุตร|ลูก)?|none|no")
_POLITE = re.compile(r"\s*(?:ค่ะ|คะ|ครับ)$")


def _children(text: str) -> int:
    found = _CHILDREN.fullmatch(_POLITE.sub("", thai.ascii_digits(thai.clean(text)).casefold()))
    if not found:
        raise Invalid("children_number")
    number = int(found[1] or 0)
    if number > CHILDREN_MOST:
        raise Invalid("children_most", most=CHILDREN_MOST)
    return number


# --- one paper ------------------------------------------------------------------------------------------------------


def paper(facts: Facts, args: Mapping[str, Any]) -> Script[Any]:
    """`look`: the person wants to see a paper that is ready. Else they are done with it, and go on with the list."""
    slot = facts.slot(str(args.get("slot"))) if facts.campaign else None
    if slot is None:
        return Then("documents")
    found = facts.papers.get(slot.id)
    if found is None:
        return (yield from _gathered(facts, slot, facts.drafts.get(slot.id, Draft())))
    if found.state == "taken":
        return (yield from _certified(facts, slot, found))
    if found.certified == "phone" or args.get("look"):
        return (yield from _kept(facts, slot, found))
    return Then("documents")


def _gathered(facts: Facts, slot: Slot, draft: Draft) -> Script[Any]:
    """Files come, until the person says that this is all."""
    seen = digest(draft.pages)
    finish, retake = f"finish.{seen}", f"retake.{seen}"
    chosen = yield from Ask[str](
        f"pages.{slot.id}",
        gather=_taking(facts.campaign, slot),
        choices=(
            *(
                (Choice(finish, style="primary", label="choice.finish"), Choice(retake, label="choice.retake"))
                if draft.pages
                else (Choice("no_such_paper"),)
            ),
            TO_LIST,
        ),
        text=_how_to_send(slot, draft),
        menu=True,
        params={
            "paper": name_of(slot),
            "photos": draft.photos,
            "sheets": draft.sheets,
            "notes": _notes(facts, draft),
        },
        picture=draft.picture,
    )
    match chosen.partition(".")[0]:
        case "to_list":
            return Then("documents")
        case "retake":
            yield from Do[bool]("retaken", do.Discard(facts.campaign, slot.id, seen), final=True)
        case "no_such_paper":
            sure = yield from Ask[str](
                "waiver",
                choices=(Choice("ask_waiver", style="primary"), Choice("send_after_all", reopen=(f"pages.{slot.id}",))),
                params={"paper": name_of(slot)},
            )
            assert sure == "ask_waiver"
            yield from Do[bool]("asked", do.AskWaiver(facts.campaign, slot.id), final=True)
        case _:
            yield from Do[bool]("finish", do.Finish(facts.campaign, slot.id, draft.pages), final=True)
    return Then("paper", {"slot": slot.id})


def _how_to_send(slot: Slot, draft: Draft) -> str:
    """A card has two sides, and a house registration as many pages as the house has people."""
    if draft.photos:
        return "ask.pages_more"
    if draft.sheets:
        return "ask.pages_pdf"
    if slot.kind == "house":
        return "ask.pages_house"
    if slot.kind == "child_card":
        return "ask.pages_child"
    return "ask.pages_card" if slot.is_card else "ask.pages"


def _taking(campaign: str, slot: Slot) -> Callable[[File], object]:
    return lambda file: do.TakeFile(
        campaign, slot.id, file.name, file.mime, file.size, file.reference, (file.place[0], file.place[1])
    )


def _notes(facts: Facts, draft: Draft) -> tuple[Say, ...]:
    same = tuple(Say("documents.same_as", {"paper": name_of(slot)}) for slot in draft.same_as)
    coming = (Say("documents.coming", {"n": draft.coming}),) if draft.coming else ()
    repaired = Say("documents.repaired_look" if facts.on_phone else "documents.repaired")
    return (*same, *((repaired,) if draft.repaired else ()), *coming)


def _certified(facts: Facts, slot: Slot, found: InHand) -> Script[Any]:
    """Every page that bears text must say “สำเนาถูกต้อง” (letter มท ๐๔๐๒.๕/ว ๓๕๗๘): by hand, or stamped by us."""
    question, doubt = f"certify.{slot.id}.{found.version}", f"unmarked.{slot.id}.{found.version}"
    chosen = yield from Ask[str](
        question,
        choices=(
            *_on_phone(facts),
            Choice("signed_by_hand"),
            Choice("replace"),
            TO_LIST,
        ),
        text="ask.certify" if facts.on_phone else "ask.certify_by_hand",
        menu=True,
        params={
            "paper": name_of(slot),
            "sheets": found.sheets,
            "cover": Say("documents.cover") if facts.signed else "",  # the signature of last time covers nothing
        },
        picture=found.picture,
    )
    if chosen == "signed_by_hand" and found.unmarked:
        chosen = yield from Ask[str](
            doubt,
            choices=(
                Choice("signed_by_hand", style="primary", label="choice.signed_after_all"),
                *_on_phone(facts, quiet=True),
                Choice("replace"),
            ),
            text="ask.unmarked",
            params={"paper": name_of(slot), "pages": ", ".join(map(str, found.unmarked))},
        )
    match chosen:
        case "to_list":
            return Then("documents")
        case "replace":
            yield from Do[bool]("replaced", do.Discard(facts.campaign, slot.id, str(found.version)), final=True)
        case "signed_by_hand":
            yield from Do[bool]("declared", do.DeclareSigned(facts.campaign, slot.id, found.version), final=True)
        case "stamp":
            yield from Ask[str](
                f"declare.{slot.id}.{found.version}",
                choices=(Choice("stamp_now", style="primary"), Choice("other_way", reopen=(question, doubt))),
                text="ask.declare",
                params={"paper": name_of(slot), "sheets": found.sheets},
                picture=found.picture,
            )
            yield from Do[bool]("stamped", do.Stamp(facts.campaign, slot.id, found.version), final=True)
        case _:
            page = yield from Do[dict[str, str]]("opened", do.OpenPage(facts.campaign, slot.id, found.version))
            yield from Ask[str](
                f"sign.{slot.id}",
                choices=(
                    Choice("open_page", style="primary", link=page["path"]),
                    Choice("new_link", reopen=("opened",)),
                    Choice("other_way", reopen=(question, doubt, "opened")),
                ),
                text="ask.sign",
                params={"paper": name_of(slot)},
            )
    return Then("paper", {"slot": slot.id})


def _on_phone(facts: Facts, *, quiet: bool = False) -> tuple[Choice, ...]:
    """The ways to certify on the phone, best first. `quiet`: something else is likelier."""
    if not facts.on_phone:
        return ()
    ways = ("stamp", "sign") if facts.signed else ("sign",)
    return tuple(Choice(way, style="primary" if way == ways[0] and not quiet else "normal") for way in ways)


KEPT = {
    "received": "ask.kept_received",
    "asked": "ask.kept_asked",
    "submitted": "ask.kept_submitted",
    "waiting": "ask.kept_waiting",
    "approved": "ask.kept_approved",
    "returned": "ask.kept_returned",
    "waived": "ask.kept_waived",
}


def _kept(facts: Facts, slot: Slot, found: InHand) -> Script[Any]:
    """A paper that is ready, asked to be waived, or handed in."""
    own = found.state in ("received", "asked", "returned")
    none_yet = found.state == "asked" or (found.state == "returned" and not found.sheets)
    again = Choice(
        "send_after_all" if none_yet else "replace", style="primary" if found.state == "returned" else "normal"
    )
    kept = f"kept.{slot.id}.{found.version}"
    chosen = yield from Ask[str](
        kept,
        choices=_ways_on(found, again if own else None),
        text=_how_kept(found),
        menu=True,
        params={
            "paper": name_of(slot),
            "sheets": found.sheets,
            "marked": found.sheets - len(found.blank),
            "blank": ", ".join(map(str, found.blank)),
            **_why(found),
        },
        picture=found.picture,
    )
    if chosen == "to_list":
        return Then("documents")
    if found.state == "received":
        yield from Ask[str](
            f"replace.{slot.id}.{found.version}",
            choices=(Choice("keep_it", style="primary", reopen=(kept,)), Choice("replace_now")),
            text="ask.replace",
            params={"paper": name_of(slot)},
        )
    yield from Do[bool]("replaced", do.Discard(facts.campaign, slot.id, str(found.version)), final=True)
    return Then("paper", {"slot": slot.id})


def _ways_on(found: InHand, again: Choice | None) -> tuple[Choice, ...]:
    if found.state == "returned" and again:
        return (again, TO_LIST)
    return (Choice("to_list", style="primary"), *((again,) if again else ()))


def _why(found: InHand) -> dict[str, object]:
    if found.returned is None:
        return {}
    reason, words, until = found.returned
    return {"reason": reason_of(reason, words), "until": until}


def reason_of(code: str, words: str) -> Say:
    """Why a paper came back, in the catalogue's words and the officer's own."""
    if not words:
        return Say(f"reason.{code}")
    return (
        Say("reason.own", {"words": words})
        if code == "other"
        else Say("reason.both", {"reason": Say(f"reason.{code}"), "words": words})
    )


def _how_kept(found: InHand) -> str:
    if found.state == "returned" and found.returned:
        return "ask.kept_returned_why"
    if found.state != "received":
        return KEPT[found.state]
    if found.certified == "hand":
        return "ask.kept_by_hand"
    return "ask.kept_received_blank" if found.blank else KEPT[found.state]


# --- handing in -----------------------------------------------------------------------------------------------------


def submit(facts: Facts, args: Mapping[str, Any]) -> Script[Any]:
    """What is handed in is named, and cannot be changed afterwards. `papers`: [slot, version] of each; `asked`: what HR
    is to waive. As soon as that is done, or `campaign` is closed, another one may ask."""
    if facts.campaign != args["campaign"]:
        return Then("documents")
    papers = tuple((str(id), int(version)) for id, version in args["papers"])
    asked = tuple(str(id) for id in args["asked"])
    named = [("documents.item", id) for id, _ in papers] + [("documents.item_asked", id) for id in asked]
    lines = tuple(Say(words, {"paper": name_of(slot)}) for words, id in named if (slot := facts.slot(id)))
    sure = yield from Ask[str](
        "submit", choices=(Choice("submit_now", style="primary"), TO_LIST), params={"papers": lines, "name": facts.name}
    )
    if sure == "to_list":
        return Then("documents")
    yield from Do[bool]("submitted", do.Submit(facts.campaign, papers, asked), final=True)
    return None
