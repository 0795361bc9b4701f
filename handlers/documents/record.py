"""Facts and effects of the conversations about papers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from typing import Any

from bot import metrics, page_links, thai
from bot.events import Invalid, Say
from bot.flow import digest
from bot.papers.shapes import MIB
from bot.times import local_date, moment
from bot.topic import Context, Equipment, Later, Visitor
from handlers.documents import campaigns, certify, drafts, families, jobs, script, signatures, store, verdicts
from handlers.documents import effects as do
from handlers.documents.drafts import Page
from handlers.documents.owner import Owner, alone
from handlers.documents.rules import Checklist, Slot, State, slot_of, standing
from handlers.documents.store import Paper
from storage import attempts
from storage.attempts import Limit
from storage.database import Tx

FETCHING_SECONDS = 20
BINDING_SECONDS = 30
NAME_MOST = 80

Load = Callable[[Tx, Sequence[Visitor], int], Awaitable[Mapping[str, script.Facts]]]


# --- facts ------------------------------------------------------------------------------------------------------------


def facts(house: Equipment) -> Load:
    async def load(tx: Tx, visitors: Sequence[Visitor], now: int) -> Mapping[str, script.Facts]:
        settings, vault = house.policy.settings, house.vault
        today = local_date(now, settings.timezone)
        people = [v.person_id for v in visitors if v.person_id and v.logged_in]
        owed = await campaigns.open_for(tx, vault, people)
        wanted = [{"person": person, "campaign": one.campaign_id} for person, one in owed.items()]
        pages, papers = await drafts.pages(tx, vault, wanted), await store.papers(tx, vault, wanted)
        signed = await signatures.whose(tx, vault, list(owed))
        returned = await verdicts.returned(tx, vault, wanted)
        found = {}
        for visitor in visitors:
            person = (visitor.person_id or "") if visitor.logged_in else ""
            asked = owed.get(person)
            if asked is None:
                found[visitor.id] = script.Facts(today=today)
                continue
            have = papers.get(person, {})
            states = {id: _state(paper) for id, paper in have.items()}
            owing = standing(asked.family, asked.options, states) if asked.family else Checklist((), ())
            sent: dict[str, list[Page]] = {}
            for page in pages.get(person, []):
                sent.setdefault(page.slot, []).append(page)
            found[visitor.id] = script.Facts(
                today=today,
                campaign=asked.campaign_id,
                name=asked.name,
                due=asked.due,
                options=asked.options,
                before=asked.before,
                family=asked.family,
                checklist=owing,
                drafts={slot: _draft(one, owing.slots) for slot, one in sent.items()},
                papers={id: _in_hand(paper, returned.get(person, {}).get(id)) for id, paper in have.items()},
                on_phone=settings.certify_on_phone,
                signed=person in signed,
            )
        return found

    return load


def _state(paper: Paper) -> State:
    state: State = paper.state  # type: ignore[assignment]
    return state


def _in_hand(paper: Paper, why: verdicts.Returned | None) -> script.InHand:
    sheets = len(paper.detail.get("sheets", ()))
    unmarked = tuple(page for page, mark in enumerate(paper.detail.get("marks", ()), 1) if mark is False)
    stamped = paper.detail.get("stamped") if paper.certified == "phone" else None
    blank = () if stamped is None else tuple(page for page in range(1, sheets + 1) if page not in stamped)
    returned = (why.reason, why.words, why.until) if why else None
    return script.InHand(
        _state(paper), paper.version, sheets, paper.certified, paper.preview or "", unmarked, blank, returned
    )


def _draft(sent: Sequence[Page], owed: Sequence[Slot]) -> script.Draft:
    ready = drafts.in_order([page for page in sent if page.state == "ready"])
    same = {page.detail.get("same_as") for page in ready}
    return script.Draft(
        pages=tuple(page.id for page in ready),
        photos=sum(page.kind == "photo" for page in ready),
        sheets=sum(len(page.detail["sheets"]) for page in ready if page.kind == "pdf"),
        coming=sum(page.state == "fetching" for page in sent),
        picture=next((page.preview for page in ready if page.preview), ""),
        same_as=tuple(slot for slot in owed if slot.id in same),
        repaired=any(page.detail.get("repaired") for page in ready),
    )


# --- whose, and may it still be changed? ------------------------------------------------------------------------------


async def _owner(context: Context, campaign: str) -> Owner:
    """Nobody else changes these papers until the end of the transaction. `Invalid` where nobody asks for them."""
    visitor = context.visitor
    if visitor.person_id is None or visitor.person_key is None:
        raise Invalid("start_over")
    owner = Owner(visitor.person_id, campaign, visitor.person_key)
    # in this order: whoever closes the campaign has to wait from here on, or has done it
    there = await alone(context.tx, owner)
    asked = (await campaigns.open_for(context.tx, context.vault, [owner.person])).get(owner.person)
    if asked is None or asked.campaign_id != campaign or not there:
        raise Invalid("papers_closed")
    return owner


async def _paper(context: Context, owner: Owner, slot: str, version: int) -> Paper:
    paper = await store.paper_of(context.tx, context.vault, owner, slot)
    if paper is None or paper.version != version:
        raise Invalid("paper_changed")
    return paper


# --- the family -------------------------------------------------------------------------------------------------------


async def save_family(context: Context, effect: do.SaveFamily) -> bool:
    assert context.visitor.person_id is not None
    assert context.visitor.person_key is not None
    await families.save(
        context.tx, context.visitor.person_id, context.visitor.person_key, dict(effect.answers), context.now
    )
    return True


# --- what is sent -----------------------------------------------------------------------------------------------------


async def take_file(context: Context, effect: do.TakeFile) -> None:
    """Nothing slow happens here: the file is announced, and fetched by a job that has the answer to give."""
    owner = await _owner(context, effect.campaign)
    given = thai.clean(effect.name)[:NAME_MOST]
    name = given or Say("papers.unnamed")
    if effect.size > context.settings.paper_megabytes * MIB:
        raise Invalid("paper_too_big", limit=context.settings.paper_megabytes, name=name)
    if not effect.reference or effect.mime.startswith(("video/", "audio/")):
        raise Invalid("paper_not_a_paper", name=name)
    if await store.paper_of(context.tx, context.vault, owner, effect.slot):
        raise Invalid("paper_changed")
    sent = await drafts.pages_of(context.tx, context.vault, owner, effect.slot)
    if len(sent) >= drafts.PAGES_MOST:
        raise Invalid("paper_too_many_pages", limit=drafts.PAGES_MOST, name=name)
    await _count(context, owner, name)
    detail = {"name": given, "place": list(effect.place)}
    visitor = context.visitor
    page = await drafts.announce(context.tx, owner, effect.slot, visitor.id, effect.reference, detail, context.now)
    content = {
        "page": page,
        "campaign": effect.campaign,
        "slot": effect.slot,
        "reference": effect.reference,
        "place": list(effect.place),
        **_address(context),
        **context.hold(FETCHING_SECONDS),
    }
    context.entries.append(_job(context, owner, "intake", content))


async def _count(context: Context, owner: Owner, name: object) -> None:
    """Each file costs a fetch, a process and a place to lie, also of somebody who starts over again and again."""
    most = context.settings.files_per_day
    until = await attempts.take(context.tx, "file", {owner.person: Limit(per_day=most)}, context.now)
    if until:
        metrics.file("too_many_today")
        then = moment(until, context.settings.timezone)
        raise Invalid("paper_too_many_today", limit=most, day=then.date(), time=then, name=name)


def _ready(sent: Sequence[Page]) -> tuple[str, ...]:
    """As `script.Draft` has them."""
    return tuple(page.id for page in drafts.in_order([page for page in sent if page.state == "ready"]))


async def finish(context: Context, effect: do.Finish) -> Any:
    owner = await _owner(context, effect.campaign)
    sent = await drafts.pages_of(context.tx, context.vault, owner, effect.slot)
    ready = drafts.in_order([page for page in sent if page.state == "ready"])
    if _ready(sent) != effect.pages or not ready:
        raise Invalid("pages_changed")
    if any(page.state == "fetching" for page in sent):
        raise Invalid("pages_coming")
    context.entries.append(jobs.look(owner.person, owner.campaign, effect.slot, owner.key, context.now))
    if ready[0].kind == "pdf":
        page = ready[0]
        detail = {key: page.detail[key] for key in ("sheets", "repaired", "sha256")}
        if not await store.make(
            context.tx, owner, effect.slot, "taken", (page.file, page.preview), detail, context.now
        ):
            raise Invalid("pages_changed")  # there is one, which does not open: discarding makes room
        if not await drafts.hand_over(context.tx, page):
            raise RuntimeError("locked, and yet changed")
        return True
    content = {
        "campaign": effect.campaign,
        "slot": effect.slot,
        "pages": list(effect.pages),
        "answers": {"flow": context.flow, "key": context.key, "attempt": context.attempt},
        **_address(context),
        **context.hold(BINDING_SECONDS),
    }
    context.entries.append(_job(context, owner, "bind", content))
    raise Later(BINDING_SECONDS)


async def discard(context: Context, effect: do.Discard) -> bool:
    """Nothing that was not on the screen."""
    owner = await _owner(context, effect.campaign)
    paper = await store.paper_of(context.tx, context.vault, owner, effect.slot)
    if paper is not None:
        seen = str(paper.version)
    else:
        seen = digest(_ready(await drafts.pages_of(context.tx, context.vault, owner, effect.slot)))
    if seen != effect.seen:
        raise Invalid("paper_changed" if paper else "pages_changed")
    if not await store.discard(context.tx, owner, effect.slot, context.now):
        raise Invalid("paper_handed_in")
    return True


async def ask_waiver(context: Context, effect: do.AskWaiver) -> Say:
    owner = await _owner(context, effect.campaign)
    sent = {page.state for page in await drafts.pages_of(context.tx, context.vault, owner, effect.slot)}
    if sent & {"fetching", "ready"}:
        raise Invalid("pages_coming" if "fetching" in sent else "pages_changed")
    if not await store.make(context.tx, owner, effect.slot, "asked", (None, None), {}, context.now):
        raise Invalid("paper_changed")
    return Say("documents.waiver_asked")


# --- certifying -------------------------------------------------------------------------------------------------------


async def declare_signed(context: Context, effect: do.DeclareSigned) -> Say:
    owner = await _owner(context, effect.campaign)
    paper = await _paper(context, owner, effect.slot, effect.version)
    if not await store.certify(context.tx, owner, paper, "hand", paper.detail, context.now):
        raise Invalid("paper_handed_in")
    sheets = len(paper.detail.get("sheets", ()))
    return Say("documents.received", {"paper": script.name_of(slot_of(effect.slot)), "sheets": sheets})


async def open_page(context: Context, effect: do.OpenPage) -> dict[str, str]:
    owner = await _owner(context, effect.campaign)
    await _paper(context, owner, effect.slot, effect.version)
    about = {"campaign": effect.campaign, "slot": effect.slot}
    return {"path": await page_links.open_link(context, certify.PREFIX, certify.PURPOSE, about)}


async def stamp(context: Context, effect: do.Stamp) -> bool:
    owner = await _owner(context, effect.campaign)
    paper = await _paper(context, owner, effect.slot, effect.version)
    if not context.settings.certify_on_phone:
        raise Invalid("not_on_phone")
    context.entries.append(
        jobs.stamp(
            person=owner.person,
            campaign=effect.campaign,
            slot=effect.slot,
            version=paper.version,
            boxes=(),
            account=context.visitor.chat,
            key=owner.key,
            now=context.now,
            answers={"flow": context.flow, "key": context.key, "attempt": context.attempt},
            token=context.hold(BINDING_SECONDS),
        )
    )
    raise Later(BINDING_SECONDS)


# --- handing in -------------------------------------------------------------------------------------------------------


async def submit(context: Context, effect: do.Submit) -> Say:
    """Exactly what the summary named, if nothing is missing; all of it or nothing."""
    owner = await _owner(context, effect.campaign)
    have = (await store.papers(context.tx, context.vault, [owner.row])).get(owner.person, {})
    owed = await _owed(context, owner, have)
    sent = [have[slot.id] for slot in owed.slots if not slot.reuses and slot.id in have]
    papers, asked = ([paper for paper in sent if paper.state == state] for state in ("received", "asked"))
    named = tuple((paper.slot, paper.version) for paper in papers), tuple(paper.slot for paper in asked)
    if not owed.ready or named != (effect.papers, effect.asked):
        raise Invalid("papers_changed")
    if not await store.submit(context.tx, context.vault, owner, papers, asked, context.now):
        raise RuntimeError("locked, and yet changed")
    return Say("documents.submitted", {"n": len(papers) + len(asked), "date": _today(context)})


async def _owed(context: Context, owner: Owner, have: Mapping[str, Paper]) -> Checklist:
    asked = (await campaigns.open_for(context.tx, context.vault, [owner.person]))[owner.person]
    if asked.family is None:
        raise Invalid("papers_changed")
    return standing(asked.family, asked.options, {id: _state(paper) for id, paper in have.items()})


def greets(house: Equipment) -> Callable[[Tx, Visitor, int], Awaitable[Say | None]]:
    async def owed(tx: Tx, visitor: Visitor, now: int) -> Say | None:
        person = visitor.person_id or ""
        asked = (await campaigns.open_for(tx, house.vault, [person])).get(person)
        if asked is None or asked.handed_in:
            return None
        today = local_date(now, house.policy.settings.timezone)
        return script.owed(asked.name, asked.due, today, asked.returned)

    return owed


async def unsent(tx: Tx, visitor: Visitor, reference: str, now: int) -> None:
    await store.take_back(tx, visitor.id, reference, now)


def _today(context: Context) -> date:
    return local_date(context.now, context.settings.timezone)


def _address(context: Context) -> dict[str, str]:
    return {"channel": context.visitor.channel, "external_id": context.visitor.external_id}


def _job(context: Context, owner: Owner, purpose: jobs.Purpose, content: Mapping[str, Any]) -> Any:
    whole = {"person": owner.person, **content}
    return jobs.entry(purpose, whole, owner.key, account=context.visitor.id, person=owner.person, now=context.now)
