"""Somebody who is listed, logged in, and has papers to send; the same on the web and on LINE."""

import asyncio
import uuid
from datetime import date, timedelta

from bot.times import local_date
from handlers.documents import campaigns, signatures, store
from handlers.documents.owner import Owner
from handlers.documents.rules import Options, write_options
from samples import make_papers
from storage import people
from storage.people import national_id_index
from storage.seals import CAMPAIGNS
from tests.cast import SOMCHAI, Player
from tests.house import PATIENCE, Chat, House, LineChat, WebChat
from tests.sealing import sealed

DAYS = 20
CARD, DEGREE = make_papers.pdf("id_card"), make_papers.pdf("degree")
SMALL_PHOTO = make_papers.photo("id_card", (640, 480))
STANDARD = Options()
SIGNATURE = (((0.0, 0.0), (200.0, 80.0), (400.0, 10.0), (600.0, 90.0)),)


async def listed(house: House, player: Player = SOMCHAI, options: Options = STANDARD) -> date:
    """HR has put them on the list. → by when they owe their papers"""
    kp7 = house.kp7
    due = local_date(kp7.clock(), kp7.settings.timezone) + timedelta(days=DAYS)
    async with kp7.database.write() as tx:
        await tx.run(
            "INSERT INTO campaigns (id, kind, name, upstream_due, due, late_days, options, made_at) "
            "VALUES ('c1', :kind, 'รับรองทะเบียนประวัติ', :due, :due, 14, :options, 1) ON CONFLICT (id) DO NOTHING",
            {"kind": campaigns.KIND, "due": due.isoformat(), "options": write_options(options)},
        )
        await sealed(tx, kp7.vault, CAMPAIGNS, "c1")
        person = await tx.one(
            "SELECT id FROM people WHERE id_index = :index",
            {"index": national_id_index(kp7.vault, player.national_id)},
        )
        assert person
        await tx.run(
            "INSERT INTO listed (campaign_id, person_id, listed_on, due) VALUES ('c1', :person, :due, :due)",
            {"person": person["id"], "due": due.isoformat()},
        )
    return due


async def answers_family(chat: Chat, *, children: int = 0, father: str = "alive", degree: str = "same") -> None:
    """A single person of the letter's table: eight papers, or fewer where the degrees are the same."""
    await chat.taps(f"choice.{father}")
    await chat.taps("choice.alive")
    await chat.taps("choice.no")
    await chat.says(str(children))
    await chat.taps(f"choice.degree_{degree}")
    await chat.taps("choice.no")
    await chat.taps("choice.no")


async def at_the_list(house: House, chat: Chat, *, options: Options = STANDARD) -> None:
    await listed(house, options=options)
    await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await chat.taps("menu.documents")
    await answers_family(chat)
    chat.sees("documents.family_saved", "ask.checklist")


def button(chat: Chat, paper: str) -> str:
    """The label of a paper's button, whatever its mark."""
    return next(label for label in chat.screen.labels if label.endswith(paper))


async def chooses(chat: Chat, key: str, **params: object) -> None:
    await chat.presses(button(chat, chat.house.kp7.texts(chat.language, f"paper.{key}", {"n": 1, **params})))


async def sends(chat: Chat, *files: tuple[str, bytes]) -> None:
    """Files, several of them as an album where a chat has such a thing; waits until they have been looked at."""
    before = len(chat.screens)
    await announces(chat, *files)
    await chat.hears(before + 1)


async def announces(chat: Chat, *files: tuple[str, bytes]) -> None:
    if isinstance(chat, LineChat):
        pictures = [data for name, data in files if not name.endswith(".pdf")]
        events = [chat.webhooks.file(chat.user, name, data) for name, data in files if name.endswith(".pdf")]
        if len(pictures) > 1:
            events += chat.webhooks.album(chat.user, pictures)
        else:
            events += [chat.webhooks.image(chat.user, data) for data in pictures]
        assert (await chat.sends(*events)).status_code == 200
        return
    assert isinstance(chat, WebChat)
    for nth, (name, data) in enumerate(files, 1):
        response = await chat.client.post(
            f"{chat.house.url}/chat/people/1/files",
            params={"id": str(uuid.uuid4()), "name": name, "nth": nth, "of": len(files)},
            content=data,
            headers={"content-type": "application/octet-stream"},
        )
        assert response.status_code == 200, response.text


async def finished(chat: Chat, paper: str, *files: tuple[str, bytes]) -> None:
    await chooses(chat, paper)
    await sends(chat, *files)
    await chat.taps("choice.finish")


async def waived(chat: Chat, *papers: str) -> None:
    for paper in papers:
        await chooses(chat, paper)
        await chat.taps("choice.no_such_paper")
        chat.sees("ask.waiver")
        await chat.taps("choice.ask_waiver")
        chat.sees("documents.waiver_asked")


async def decided(house: House, slot: str, state: str) -> None:
    """As HR will."""
    async with house.kp7.database.write() as tx:
        await tx.run("UPDATE papers SET state = :state WHERE slot = :slot", {"state": state, "slot": slot})


async def unmarked(house: House, slot: str) -> None:
    """As a program that reads pictures will say."""
    kp7 = house.kp7
    async with asyncio.timeout(PATIENCE):
        while await _looking(house):  # noqa: ASYNC110 - nobody tells when somebody has looked
            await asyncio.sleep(0.02)
    async with kp7.database.write() as tx:
        row = await tx.one(
            "SELECT p.*, k.wrapped FROM papers p JOIN keys k ON k.id = p.key_id WHERE p.slot = :slot", {"slot": slot}
        )
        assert row
        owner = Owner(row["person_id"], row["campaign_id"], kp7.vault.unwrap(row["key_id"], row["wrapped"]))
        paper = await store.paper_of(tx, kp7.vault, owner, slot)
        assert paper
        assert await store.hint(tx, owner, paper, [False])


async def _looking(house: House) -> bool:
    async with house.kp7.database.read() as tx:
        return bool(await tx.one("SELECT 1 FROM outbox WHERE kind = 'looks' LIMIT 1"))


async def owner(house: House) -> people.Person:
    async with house.kp7.database.read() as tx:
        found = await people.by_index(tx, house.kp7.vault, national_id_index(house.kp7.vault, SOMCHAI.national_id))
    assert found
    return found


async def has_signed(house: House) -> None:
    """Some other paper before."""
    person = await owner(house)
    async with house.kp7.database.write() as tx:
        await signatures.save(tx, person.id, person.key, SIGNATURE, house.clock())


async def everything_about_papers(house: House, chat: Chat) -> None:
    """Past every question: by hand and with a waiver, on the phone, handed in, returned, passed."""
    await listed(house)
    await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await chat.taps("menu.documents")
    if len(chat.screen.labels) < 6:  # the first to come answers for the family
        await answers_family(chat, children=1)
    chat.sees("ask.checklist")
    await chooses(chat, "house")
    chat.sees("ask.pages_house")
    await chat.taps("choice.to_list")
    await chooses(chat, "id_card")
    chat.sees("ask.pages_card")
    await sends(chat, ("1.jpg", SMALL_PHOTO))
    chat.sees("ask.pages_more")
    await chat.taps("choice.retake")
    await sends(chat, ("card.pdf", CARD))
    chat.sees("ask.pages_pdf")
    await chat.taps("choice.finish")
    chat.sees("ask.certify")
    assert house.kp7.texts(chat.language, "documents.cover") not in chat.screen.text
    await chat.taps("choice.sign")
    chat.sees("ask.sign")
    await has_signed(house)
    await chat.taps("choice.other_way")
    chat.sees("ask.certify", "documents.cover")
    await chat.taps("choice.signed_by_hand")
    chat.sees("documents.received", "ask.checklist")
    await chooses(chat, "child_card")
    chat.sees("ask.pages_child")
    await chat.taps("choice.to_list")
    await waived(chat, "house", "father_card", "mother_card", "child_card", "entry_transcript")
    await chooses(chat, "father_card")
    chat.sees("ask.kept_asked")
    await chat.taps("choice.to_list")
    await chooses(chat, "entry_degree")
    chat.sees("ask.pages")
    await sends(chat, ("degree.pdf", DEGREE))
    await chat.taps("choice.finish")
    await unmarked(house, "entry.degree")
    await chat.taps("choice.signed_by_hand")
    chat.sees("ask.unmarked")
    await chat.taps("choice.stamp")
    chat.sees("ask.declare")
    await chat.taps("choice.stamp_now")
    chat.sees("ask.kept_received")
    await chat.taps("choice.to_list")
    chat.sees("ask.checklist_ready")
    await chooses(chat, "id_card")
    chat.sees("ask.kept_by_hand")
    await chat.taps("choice.replace")
    chat.sees("ask.replace")
    await chat.taps("choice.keep_it")
    await chat.taps("choice.to_list")
    await chat.taps("choice.submit")
    chat.sees("ask.submit")
    await chat.taps("choice.submit_now")
    chat.sees("documents.submitted")
    await chat.taps("menu.documents")
    chat.sees("ask.checklist_waiting")
    for slot, paper, state in (
        ("house", "house", "waiting"),
        ("id_card", "id_card", "submitted"),
        ("father", "father_card", "waived"),
        ("entry.degree", "entry_degree", "approved"),
        ("id_card", "id_card", "returned"),
    ):
        await decided(house, slot, state)
        await chooses(chat, paper)
        chat.sees(f"ask.kept_{state}")
        await chat.taps("choice.to_list")
    for slot in ("id_card", "house", "father", "mother", "child.1", "entry.transcript"):
        await decided(house, slot, "waived")
    await chat.says("documents")
    chat.sees("ask.checklist_complete")
    await chat.taps("choice.close")
