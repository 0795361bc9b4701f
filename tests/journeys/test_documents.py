"""From the list of what is missing to what is handed in (letter มท ๐๔๐๒.๕/ว ๓๕๗๘), on the web and on LINE."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot import logs, metrics
from bot.papers.room import Papers
from bot.papers.shapes import Picture
from handlers.documents import drafts
from samples import bad_papers, make_papers
from storage.files import Files, content_index
from storage.seals import CAMPAIGNS
from storage.stores import objects_at
from tests.cast import SOMCHAI
from tests.house import Chat, House, LineChat, a_house
from tests.journeys.papers import (
    announces,
    answers_family,
    at_the_list,
    button,
    chooses,
    everything_about_papers,
    has_signed,
    listed,
    owner,
    sends,
)
from tests.sealing import sealed
from tests.security.tools import rows

SMALL = (1280, 960)


@cache
def photo(kind: str, page: int = 0) -> bytes:
    return make_papers.photo(kind, SMALL, page)


@cache
def heic(kind: str) -> bytes:
    return make_papers.heic(kind, SMALL)


@cache
def pdf(kind: str) -> bytes:
    return make_papers.pdf(kind)


@pytest.fixture(params=["web", "line"])
async def chat(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Chat]:
    """Somchai, who has answered the questions about his family and sees the list."""
    async with a_house(tmp_path, channel=request.param) as house:
        chat = await house.somebody()
        await at_the_list(house, chat)
        yield chat


def files(house: House) -> Files:
    return Files(house.kp7.database, objects_at(house.kp7.settings.files_address))


async def paper(house: House, slot: str = "id_card") -> dict[str, Any]:
    return (await rows(house, f"SELECT * FROM papers WHERE slot = '{slot}'"))[0]


async def kept(house: House, file: str) -> bytes:
    return await files(house).get(file, (await owner(house)).key)


async def nothing_left_over(house: House) -> None:
    """Every file that something refers to is there and opens; what nothing refers to goes."""
    house.clock.forward(days=2)
    await files(house).sweep(house.clock())
    house.clock.forward(hours=1)
    await files(house).sweep(house.clock())
    names = ("file_id", "stamped_id", "preview_id")
    held = {row[name] for row in await rows(house, "SELECT * FROM papers") for name in names if row[name]}
    held |= {row[name] for row in await rows(house, "SELECT * FROM pages") for name in names if row.get(name)}
    assert {row["id"] for row in await rows(house, "SELECT id FROM files")} == held
    for file in held:
        assert await kept(house, file)
    assert names_in(Path(house.kp7.settings.files_address.removeprefix("file://"))) == held


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


async def pages(house: House) -> list[dict[str, Any]]:
    """Without those that were refused, which go once that was said."""
    async with asyncio.timeout(10):
        while found := await rows(house, "SELECT * FROM pages"):
            if "refused" not in {row["state"] for row in found}:
                break
            await asyncio.sleep(0.01)
    return [dict(row) for row in found]


# --- sending ----------------------------------------------------------------------------------------------------------


async def test_a_pdf_is_taken_as_it_is_and_its_first_page_shown(chat: Chat) -> None:
    await chooses(chat, "id_card")
    chat.sees("ask.pages_card")
    await sends(chat, ("card.pdf", pdf("id_card")))
    chat.sees("ask.pages_pdf")
    await chat.taps("choice.finish")
    chat.sees("ask.certify")
    await chat.taps("choice.signed_by_hand")
    chat.sees("documents.received", "ask.checklist")
    assert button(chat, "บัตรประชาชน").startswith("✓")
    made = await paper(chat.house)
    assert (made["state"], made["certified"]) == ("received", "hand")
    assert (await kept(chat.house, made["file_id"])).startswith(b"%PDF-")
    await nothing_left_over(chat.house)


async def test_photos_and_an_iphones_become_one_pdf(chat: Chat) -> None:
    await chooses(chat, "house")
    chat.sees("ask.pages_house")
    await sends(chat, ("1.jpg", photo("house_registration")))
    chat.sees("ask.pages_more")
    assert "1 หน้า" in chat.screen.text
    await sends(chat, ("2.heic", heic("id_card")))
    assert "2 หน้า" in chat.screen.text
    await chat.taps("choice.finish")
    chat.sees("ask.certify")
    assert "2 หน้า" in chat.screen.text
    made = await paper(chat.house, "house")
    bound = await kept(chat.house, made["file_id"])
    assert isinstance(await Papers().preview(bound, page=2), Picture)
    assert b"Exif" not in bound
    await nothing_left_over(chat.house)


async def test_an_album_is_told_of_once_and_in_order(chat: Chat) -> None:
    """And the operator is not told that its pages wait for each other: that is as it should be."""
    await chooses(chat, "entry_transcript")
    before = len(chat.screens)
    logs.tell(all_of_it=True)  # what is left of others
    with structlog.testing.capture_logs() as said:
        await sends(chat, *((f"{n}.jpg", photo("transcript", n % 2)) for n in range(3)))
        logs.tell(all_of_it=True)
    assert [line for line in said if line["event"] == "delivery_postponed"] == []
    chat.sees("ask.pages_more")
    assert "3 หน้า" in chat.screen.text
    assert len(chat.screens) == before + 1
    assert "เหมือนกับไฟล์" in chat.screen.text, "the third is the first again"


async def test_starting_again_forgets_what_was_sent(chat: Chat) -> None:
    await chooses(chat, "id_card")
    await sends(chat, ("1.jpg", photo("id_card")))
    await chat.taps("choice.retake")
    chat.sees("ask.pages_card")
    assert await rows(chat.house, "SELECT * FROM pages") == []
    await sends(chat, ("card.pdf", pdf("id_card")))
    chat.sees("ask.pages_pdf")
    await nothing_left_over(chat.house)


async def test_a_pdf_does_not_go_with_photos(chat: Chat) -> None:
    await chooses(chat, "id_card")
    before = [counted("kp7_files_total", outcome=outcome) for outcome in ("taken", "pdf_alone")]
    await sends(chat, ("1.jpg", photo("id_card")))
    await sends(chat, ("card.pdf", pdf("id_card")))
    chat.sees("error.paper_pdf_alone", "ask.pages_more")
    assert [counted("kp7_files_total", outcome=outcome) - 1 for outcome in ("taken", "pdf_alone")] == before
    assert [row["kind"] for row in await pages(chat.house)] == ["photo"]


BAD: Mapping[str, Callable[[], tuple[str, bytes]]] = {
    "locked": lambda: ("a.pdf", bad_papers.locked(pdf("degree"))),
    "restricted": lambda: ("a.pdf", bad_papers.restricted(pdf("degree"))),
    "damaged": lambda: ("a.pdf", bad_papers.truncated(pdf("degree"), 0.01)),
    "too_many_pages": lambda: ("a.pdf", bad_papers.of_pages(51)),
    "not_a_paper": lambda: ("a.jpg", b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
}


def counted(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


async def test_a_bad_file_gets_its_reason_and_nothing_of_it_is_kept(chat: Chat) -> None:
    await chooses(chat, "id_card")
    for reason, made in BAD.items():
        before, bytes_before = counted("kp7_files_total", outcome=reason), counted("kp7_file_bytes_total")
        name, data = made()
        await sends(chat, (name, data))
        chat.sees(f"error.paper_{reason}", "ask.pages_card")
        assert counted("kp7_files_total", outcome=reason) == before + 1
        assert counted("kp7_file_bytes_total") == bytes_before + len(data)
    assert await pages(chat.house) == []
    await nothing_left_over(chat.house)


async def test_a_file_that_no_question_wants(chat: Chat) -> None:
    await sends(chat, ("card.pdf", pdf("id_card")))
    chat.sees("error.no_file_here", "ask.checklist")
    await nothing_left_over(chat.house)


async def test_who_goes_back_to_the_list_meanwhile_finds_the_file_there(chat: Chat) -> None:
    await chooses(chat, "id_card")
    before = len(chat.screens)
    await announces(chat, ("1.jpg", photo("id_card")))
    await chat.post({"text": "เอกสาร"})
    await chat.hears(before + 2)
    assert any("เก็บไว้ในรายการเอกสาร" in screen.text for screen in chat.screens[before:])
    await chooses(chat, "id_card")
    chat.sees("ask.pages_more")


# --- certifying and handing in ----------------------------------------------------------------------------------------


async def test_stamped_with_the_signature_that_is_kept(chat: Chat) -> None:
    await has_signed(chat.house)
    await chooses(chat, "entry_degree")
    await sends(chat, ("degree.pdf", pdf("degree")))
    await chat.taps("choice.finish")
    await chat.taps("choice.stamp")
    chat.sees("ask.declare")
    await chat.taps("choice.stamp_now")
    chat.sees("ask.kept_received")
    made = await paper(chat.house, "entry.degree")
    assert (made["state"], made["certified"]) == ("received", "phone")
    assert await kept(chat.house, made["stamped_id"]) != await kept(chat.house, made["file_id"])
    await nothing_left_over(chat.house)


async def test_who_says_that_it_is_signed_hears_what_of_which_paper(chat: Chat) -> None:
    await chooses(chat, "id_card")
    await sends(chat, ("card.pdf", pdf("id_card")))
    await chat.taps("choice.finish")
    await chat.taps("choice.signed_by_hand")
    said, *_ = chat.screen.text.splitlines()
    assert "บัตรประชาชน 1 หน้า" in said
    assert "“สำเนาถูกต้อง” และลงนามด้วยมือครบทุกหน้า" in said


async def test_cancelling_says_that_papers_stay(chat: Chat) -> None:
    """And they do."""
    await chooses(chat, "id_card")
    await sends(chat, ("1.jpg", photo("id_card")))
    await chat.taps("control.cancel")
    chat.sees("documents.cancelled", "home.choose")
    assert chat.house.kp7.texts("th", "cancelled") not in chat.screen.text
    assert len(await pages(chat.house)) == 1
    await chat.taps("menu.documents")
    await chat.taps("choice.family")
    await chat.taps("choice.died")
    await chat.taps("control.cancel")
    chat.sees("documents.family_cancelled")
    await chat.taps("menu.documents")
    assert button(chat, "บัตรประชาชนบิดา").startswith("○"), "no answer was changed"


async def test_who_wants_to_hand_in_too_early_hears_what_is_missing(chat: Chat) -> None:
    await chooses(chat, "id_card")
    await chat.taps("choice.no_such_paper")
    await chat.taps("choice.ask_waiver")
    await chat.says("ส่งตรวจ")
    chat.sees("error.papers_missing", "ask.checklist")
    assert "• ทะเบียนบ้าน\n" in chat.screen.text
    assert "• บัตรประชาชน\n" not in chat.screen.text
    await chat.says("สวัสดีตอนเช้า")
    chat.sees("error.choose", "ask.checklist")


async def test_of_many_files_without_a_paper_one_is_answered(chat: Chat) -> None:
    before = len(chat.screens)
    await sends(chat, *((f"{n}.jpg", photo("id_card")) for n in range(3)))
    chat.sees("error.no_file_here", "ask.checklist")
    await chooses(chat, "id_card")
    assert len(chat.screens) == before + 2
    await nothing_left_over(chat.house)


async def test_no_such_paper_and_after_all(chat: Chat) -> None:
    await chooses(chat, "father_card")
    await chat.taps("choice.no_such_paper")
    chat.sees("ask.waiver")
    await chat.taps("choice.ask_waiver")
    chat.sees("documents.waiver_asked", "ask.checklist")
    await chooses(chat, "father_card")
    chat.sees("ask.kept_asked")
    await chat.taps("choice.send_after_all")
    chat.sees("ask.pages_card")


async def all_but_one(chat: Chat) -> None:
    """One paper by hand, the others asked to be waived."""
    for slot in ("house", "father_card", "mother_card", "entry_degree", "entry_transcript"):
        await chooses(chat, slot)
        await chat.taps("choice.no_such_paper")
        await chat.taps("choice.ask_waiver")
    chat.sees("ask.checklist")
    await has_signed(chat.house)
    await chooses(chat, "id_card")
    await sends(chat, ("card.pdf", pdf("id_card")))
    await chat.taps("choice.finish")


async def test_what_is_handed_in_is_frozen(chat: Chat) -> None:
    await all_but_one(chat)
    await chat.taps("choice.stamp")
    chat.sees("ask.declare")
    await chat.taps("choice.stamp_now")
    await chat.taps("choice.to_list")
    chat.sees("ask.checklist_ready")
    await chat.taps("choice.submit")
    chat.sees("ask.submit")
    stamped = await kept(chat.house, (await paper(chat.house))["stamped_id"])
    await chat.taps("choice.submit_now")
    chat.sees("documents.submitted")
    made = await paper(chat.house)
    assert (made["state"], made["stamped_id"]) == ("submitted", None)
    assert await kept(chat.house, made["file_id"]) == stamped, "only what bears the mark is kept"
    assert made["content_index"] == content_index(chat.house.kp7.vault, hashlib.sha256(stamped).hexdigest())
    await chat.taps("menu.documents")
    chat.sees("ask.checklist_waiting")
    await chooses(chat, "id_card")
    chat.sees("ask.kept_submitted")
    assert chat.house.kp7.texts("th", "choice.replace") not in chat.screen.labels
    await nothing_left_over(chat.house)


async def test_what_other_answers_had_asked_for_goes_when_the_rest_is_handed_in(chat: Chat) -> None:
    """And does not keep the next campaign from asking."""
    await chat.taps("choice.family")
    await answers_family(chat, father="died")
    await chooses(chat, "father_death")
    await sends(chat, ("card.pdf", pdf("id_card")))
    await chat.taps("choice.finish")
    await chat.says("เอกสาร")
    await chat.taps("choice.family")
    await answers_family(chat)
    await all_but_one(chat)
    await chat.taps("choice.signed_by_hand")
    await chat.taps("choice.submit")
    await chat.taps("choice.submit_now")
    chat.sees("documents.submitted")
    assert {row["state"] for row in await rows(chat.house, "SELECT state FROM papers")} == {"submitted", "waiting"}
    await nothing_left_over(chat.house)


async def test_nothing_is_replaced_that_was_not_on_the_screen(chat: Chat) -> None:
    await has_signed(chat.house)
    await chooses(chat, "id_card")
    await sends(chat, ("card.pdf", pdf("id_card")))
    await chat.taps("choice.finish")
    await chat.taps("choice.signed_by_hand")
    await chooses(chat, "id_card")
    before = await paper(chat.house)
    async with chat.house.kp7.database.write() as tx:  # on another device, in the very moment
        await tx.run("UPDATE papers SET version = version + 1")
    await chat.taps("choice.replace")
    assert (await paper(chat.house))["id"] == before["id"]
    chat.sees("error.old_button", "ask.kept_by_hand")
    await chat.taps("choice.replace")
    chat.sees("ask.replace")
    await chat.taps("choice.keep_it")
    await chat.taps("choice.replace")
    async with chat.house.kp7.database.write() as tx:
        await tx.run("UPDATE papers SET version = version + 1")
    await chat.taps("choice.replace_now")
    assert (await paper(chat.house))["id"] == before["id"]
    await chat.taps("choice.replace")
    await chat.taps("choice.replace_now")
    chat.sees("ask.pages_card")


async def test_what_has_changed_since_the_summary_is_not_handed_in(chat: Chat) -> None:
    await all_but_one(chat)
    await chat.taps("choice.signed_by_hand")
    await chat.taps("choice.submit")
    chat.sees("ask.submit")
    async with chat.house.kp7.database.write() as tx:
        await tx.run("UPDATE papers SET version = version + 1 WHERE slot = 'id_card'")
    await chat.taps("choice.submit_now")
    chat.sees("error.papers_changed")
    assert (await paper(chat.house))["state"] == "received"


@pytest.mark.parametrize("way", ["th", "en", "restarts"])
async def test_everything_about_papers(tmp_path: Path, way: str) -> None:
    async with a_house(tmp_path) as house:
        chat = await house.somebody("th" if way == "restarts" else way)
        chat.restarts = way == "restarts"
        await everything_about_papers(house, chat)


async def test_who_has_handed_in_is_asked_by_the_next_campaign(chat: Chat) -> None:
    async with chat.house.kp7.database.write() as tx:
        await tx.run(
            "INSERT INTO campaigns (id, kind, name, upstream_due, due, late_days, options, made_at) "
            "SELECT 'c2', kind, 'ชุดที่สอง', '2099-01-01', '2099-01-01', 14, options, 2 FROM campaigns"
        )
        await sealed(tx, chat.house.kp7.vault, CAMPAIGNS, "c2")
        await tx.run(
            "INSERT INTO listed (campaign_id, person_id, listed_on, due) "
            "SELECT 'c2', person_id, listed_on, '2099-01-01' FROM listed"
        )
    await all_but_one(chat)
    await chat.taps("choice.signed_by_hand")
    await chat.taps("choice.submit")
    await chat.taps("choice.submit_now")
    chat.sees("documents.submitted", "ask.checklist")
    assert "ชุดที่สอง" in chat.screen.text
    assert "ก่อนหน้านี้ยังอยู่ครบ:\n• รับรองทะเบียนประวัติ (6 รายการ)" in chat.screen.text


async def test_an_office_that_takes_only_what_is_signed_by_hand(tmp_path: Path) -> None:
    async with a_house(tmp_path, certify_on_phone=False) as house:
        chat = await house.somebody()
        await at_the_list(house, chat)
        await has_signed(house)
        await chooses(chat, "id_card")
        await sends(chat, ("card.pdf", pdf("id_card")))
        await chat.taps("choice.finish")
        chat.sees("ask.certify_by_hand")
        assert not {house.kp7.texts("th", f"choice.{way}") for way in ("sign", "stamp")} & set(chat.screen.labels)


# --- the list ---------------------------------------------------------------------------------------------------------


async def test_nobody_asks_for_papers(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        chat = await house.somebody()
        await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
        await chat.taps("menu.documents")
        chat.sees("documents.none")


async def test_the_list_says_what_is_left_and_for_how_long(chat: Chat) -> None:
    assert "0 จาก 6" in chat.screen.text
    assert "เหลือ 20 วัน" in chat.screen.text
    assert "วุฒิสูงสุดใช้ฉบับเดียวกับวุฒิที่ใช้บรรจุ" in chat.screen.text


async def test_typing_papers_in_mid_paper_leads_to_the_list_again_and_again(chat: Chat) -> None:
    for _ in range(4):
        await chooses(chat, "id_card")
        await chat.says("เอกสาร")
        chat.sees("ask.checklist")


async def test_a_deceased_father_and_two_children(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        chat = await house.somebody()
        await listed(house)
        await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
        await chat.taps("menu.documents")
        await chat.taps("choice.died")
        await chat.taps("choice.alive")
        await chat.taps("choice.yes")
        await chat.says("สอง")
        chat.sees("error.children_number", "ask.children")
        await chat.says("๒")
        await chat.taps("choice.degree_higher")
        await chat.taps("choice.no")
        await chat.taps("choice.no")
        chat.sees("ask.checklist")
        for label in ("ใบมรณบัตรบิดา", "บัตรประชาชนบุตรคนที่ 2", "ใบแสดงผลการเรียน วุฒิสูงสุด"):
            assert button(chat, label).startswith("○")


# --- LINE -------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def phone(tmp_path: Path) -> AsyncIterator[LineChat]:
    async with a_house(tmp_path, channel="line", public_url="https://kp7.example.go.th") as house:
        chat = await house.somebody()
        await at_the_list(house, chat)
        assert isinstance(chat, LineChat)
        yield chat


async def test_the_answer_to_a_file_costs_nothing(phone: LineChat) -> None:
    await chooses(phone, "id_card")
    await sends(phone, ("card.pdf", pdf("id_card")))
    phone.sees("ask.pages_pdf")
    assert {call.endpoint for call in phone.line.accepted} == {"reply"}
    assert phone.screen.picture.startswith("https://kp7.example.go.th/f/")
    assert phone.line.loading


async def test_a_picture_that_line_is_still_preparing(phone: LineChat) -> None:
    await chooses(phone, "id_card")
    before = len(phone.screens)
    event = phone.webhooks.image(phone.user, photo("id_card"), preparing=2)
    await phone.sends(event)
    await phone.hears(before + 1)
    phone.sees("ask.pages_more")


async def test_a_picture_that_is_gone(phone: LineChat) -> None:
    await chooses(phone, "id_card")
    before = len(phone.screens)
    event = phone.webhooks.image(phone.user, photo("id_card"))
    event["message"]["id"] = "99999999"
    await phone.sends(event)
    await phone.hears(before + 1)
    phone.sees("error.paper_gone", "ask.pages_card")


async def test_an_album_whose_pictures_come_in_any_order(phone: LineChat) -> None:
    await chooses(phone, "entry_transcript")
    before = len(phone.screens)
    events = phone.webhooks.album(phone.user, [photo("transcript", 0), photo("transcript", 1), photo("degree")])
    for age, event in enumerate(reversed(events)):
        event["timestamp"] -= 100 * age
        assert (await phone.sends(event)).status_code == 200
    await phone.hears(before + 1)
    phone.sees("ask.pages_more")
    assert "3 หน้า" in phone.screen.text
    person = await owner(phone.house)
    async with phone.house.kp7.database.read() as tx:
        wanted = [{"person": person.id, "campaign": "c1"}]
        sent = (await drafts.pages(tx, phone.house.kp7.vault, wanted))[person.id]
    assert [page.detail["place"][0] for page in sent] == [3, 2, 1]
    assert [page.detail["place"][0] for page in drafts.in_order(sent)] == [1, 2, 3]


async def test_a_picture_that_was_sent_before_this_paper_was_asked_for(phone: LineChat) -> None:
    """LINE delivers it again, hours later, and the person is at another paper."""
    await chooses(phone, "id_card")
    event = phone.webhooks.image(phone.user, photo("id_card"))
    event["timestamp"] -= 60_000
    await phone.taps("choice.to_list")
    await chooses(phone, "house")
    before = len(phone.screens)
    await phone.sends(event)
    await phone.hears(before + 1)
    phone.sees("error.came_late", "ask.pages_house")
    assert await pages(phone.house) == []


async def takes_back(phone: LineChat, event: dict[str, Any]) -> None:
    phone.line.unsend(event["message"]["id"])
    assert (await phone.sends(phone.webhooks.unsend(phone.user, event["message"]["id"]))).status_code == 200


async def test_a_picture_that_was_taken_back(phone: LineChat) -> None:
    """Also out of the paper that was made of it; what else that was made of is there again."""
    await chooses(phone, "id_card")
    first, second = (
        phone.webhooks.image(phone.user, photo("id_card", 0)),
        phone.webhooks.image(phone.user, heic("id_card")),
    )
    for event in (first, second):
        before = len(phone.screens)
        await phone.sends(event)
        await phone.hears(before + 1)
    await phone.taps("choice.finish")
    phone.sees("ask.certify")
    await takes_back(phone, first)
    assert await rows(phone.house, "SELECT * FROM papers") == []
    assert [row["state"] for row in await rows(phone.house, "SELECT * FROM pages")] == ["ready"]
    await phone.taps("choice.signed_by_hand")
    phone.sees("error.old_button", "ask.pages_more")
    assert "1 หน้า" in phone.screen.text
    await nothing_left_over(phone.house)


async def test_after_handing_in_nothing_is_taken_back(phone: LineChat) -> None:
    await all_but_one(phone)
    [sent] = [row["reference"] for row in await rows(phone.house, "SELECT reference FROM pages")]
    await phone.taps("choice.signed_by_hand")
    await phone.taps("choice.submit")
    await phone.taps("choice.submit_now")
    await phone.sends(phone.webhooks.unsend(phone.user, sent))
    assert (await paper(phone.house))["state"] == "submitted"
    await nothing_left_over(phone.house)
