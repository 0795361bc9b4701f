"""What was begun for one question and is done when another one stands there: it answers nothing else, is seen by nobody
else, and is not lost."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.papers.room import Papers
from bot.papers.shapes import Box, Mark
from bot.times import local_date
from tests.cast import MALEE, SOMCHAI
from tests.house import Chat, House, LineChat, WebChat, a_house
from tests.journeys.doors import Doors
from tests.journeys.papers import announces, at_the_list, button, chooses, has_signed, listed, sends
from tests.journeys.test_documents import nothing_left_over, paper, pdf, photo, takes_back
from tests.security.tools import all_said, rows


@pytest.fixture(params=["web", "line"])
async def chat(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Chat]:
    """Somchai at his list, with a signature."""
    async with a_house(tmp_path, channel=request.param) as house:
        chat = await house.somebody()
        await at_the_list(house, chat)
        await has_signed(house)
        yield chat


@pytest.fixture
async def doors(chat: Chat) -> Doors:
    return Doors(chat.house)


async def states(chat: Chat, slot: str = "id_card") -> list[str]:
    return [row["state"] for row in await rows(chat.house, f"SELECT state FROM pages WHERE slot = '{slot}'")]


async def papers(chat: Chat) -> dict[str, Any]:
    return {row["slot"]: row["state"] for row in await rows(chat.house, "SELECT slot, state FROM papers")}


async def begins(chat: Chat, choice: str) -> None:
    """What takes a while: nothing is waited for."""
    if choice == "stamp":
        await chat.taps("choice.stamp")
        choice = "stamp_now"
    data = chat.screen.data(chat.house.kp7.texts("th", f"choice.{choice}"))
    assert (await chat.post({"press": data})).status_code == 200


# --- what was sent ----------------------------------------------------------------------------------------------------


async def test_a_photo_that_is_looked_at_after_start_again_is_gone(chat: Chat, doors: Doors) -> None:
    await chooses(chat, "id_card")
    await sends(chat, ("1.jpg", photo("id_card")))
    doors.telling.clear()
    await announces(chat, ("2.jpg", photo("house_registration")))
    await doors.done(2)
    await chat.taps("choice.retake")
    chat.sees("error.old_button", "ask.pages_more")
    await chat.taps("choice.retake")
    chat.sees("ask.pages_card")
    seen = len(chat.screens)
    await doors.open()
    chat.sees("ask.pages_card")
    assert len(chat.screens) <= seen + 1
    assert await states(chat) == []
    await nothing_left_over(chat.house)


async def test_a_photo_that_is_begun_with_after_start_again_is_not_spoken_of(chat: Chat, doors: Doors) -> None:
    await chooses(chat, "id_card")
    await sends(chat, ("1.jpg", photo("id_card")))
    doors.working.clear()
    await announces(chat, ("2.jpg", photo("house_registration")))
    await chat.taps("choice.retake")
    await chat.taps("choice.to_list")
    seen = len(chat.screens)
    await doors.open()
    assert len(chat.screens) == seen, "nothing was kept, and nothing is said to be"
    assert await states(chat) == []
    await nothing_left_over(chat.house)


async def test_a_photo_that_comes_while_another_paper_is_open_stays_with_its_own(chat: Chat, doors: Doors) -> None:
    await chooses(chat, "id_card")
    doors.telling.clear()
    await announces(chat, ("1.jpg", photo("id_card")))
    await doors.done()
    await chat.taps("choice.to_list")
    await chooses(chat, "house")
    await doors.open()
    chat.sees("documents.kept_for_later", "ask.pages_house")
    assert (await states(chat), await states(chat, "house")) == (["ready"], [])
    await chat.taps("choice.to_list")
    await chooses(chat, "id_card")
    chat.sees("ask.pages_more")


async def test_what_was_refused_is_said_wherever_the_person_is_by_then(chat: Chat, doors: Doors) -> None:
    await chooses(chat, "id_card")
    doors.telling.clear()
    await announces(chat, ("my letter.pdf", b"%PDF-1.7 and no more"))
    await doors.done()
    await chat.taps("choice.to_list")
    await doors.open()
    chat.sees("error.paper_damaged", "ask.checklist")
    assert chat.house.kp7.texts("th", "documents.kept_for_later") not in chat.screen.text
    assert await states(chat) == []


async def test_no_such_paper_is_not_said_of_one_that_is_on_its_way(chat: Chat, doors: Doors) -> None:
    await chooses(chat, "father_card")
    await chat.taps("choice.no_such_paper")
    chat.sees("ask.waiver")
    doors.working.clear()
    await chat.taps("choice.send_after_all")
    await announces(chat, ("1.jpg", photo("id_card")))
    await chat.taps("choice.no_such_paper")
    await chat.taps("choice.ask_waiver")
    chat.sees("error.pages_coming")
    assert await papers(chat) == {}
    await doors.open()
    assert await states(chat, "father") == ["ready"]


async def test_what_is_told_twice_is_heard_once(chat: Chat, doors: Doors) -> None:
    await chooses(chat, "id_card")
    await sends(chat, ("1.jpg", photo("id_card")))
    seen = len(chat.screens)
    assert await doors.again(doors.told[0]) == "duplicate"
    await all_said(chat.house)
    assert len(chat.screens) == seen


@pytest.mark.parametrize("chat", ["line"], indirect=True)
async def test_what_is_taken_back_while_it_is_kept_goes_at_once(chat: Chat, doors: Doors) -> None:
    assert isinstance(chat, LineChat)
    await chooses(chat, "id_card")
    doors.objects.room.clear()
    event = chat.webhooks.image(chat.user, photo("id_card"))
    await chat.sends(event)
    await doors.objects.full.wait()
    await takes_back(chat, event)
    doors.objects.room.set()
    await doors.open()
    assert await rows(chat.house, "SELECT 1 FROM files") == []
    assert await states(chat) == []
    await nothing_left_over(chat.house)


# --- another person, or nobody ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", [("my letter.pdf", b"%PDF-1.7 and no more"), ("card.pdf", None)])
async def test_after_logout_nobody_hears_of_it(chat: Chat, doors: Doors, file: tuple[str, bytes | None]) -> None:
    await chooses(chat, "id_card")
    doors.telling.clear()
    await announces(chat, (file[0], file[1] or pdf("id_card")))
    await doors.done()
    await chat.taps("control.cancel")
    await chat.taps("menu.logout")
    seen = len(chat.screens)
    await doors.open()
    assert len(chat.screens) == seen
    await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await chat.taps("menu.documents")
    await chooses(chat, "id_card")
    chat.sees("ask.pages_card" if file[1] else "ask.pages_pdf")


async def test_when_the_session_is_over_only_that_is_said(chat: Chat, doors: Doors) -> None:
    await chooses(chat, "id_card")
    doors.telling.clear()
    await announces(chat, ("my letter.pdf", b"%PDF-1.7 and no more"))
    await doors.done()
    chat.house.clock.forward(hours=13)
    await doors.open()
    assert "my letter" not in "".join(screen.text for screen in chat.screens)
    chat.sees("session_over")


@pytest.mark.parametrize("name", ["my letter.pdf", "card.pdf"])
async def test_whoever_logs_in_next_sees_nothing_of_it(chat: Chat, doors: Doors, name: str) -> None:
    await listed(chat.house, MALEE)
    await chooses(chat, "id_card")
    doors.telling.clear()
    await announces(chat, (name, b"%PDF-1.7 and no more" if name == "my letter.pdf" else pdf("id_card")))
    await doors.done()
    await chat.taps("control.cancel")
    await chat.taps("menu.logout")
    await chat.logs_in(MALEE.national_id, MALEE.email)
    seen = len(chat.screens)
    await doors.open()
    assert len(chat.screens) == seen
    assert not await rows(chat.house, "SELECT 1 FROM papers")


# --- binding ----------------------------------------------------------------------------------------------------------


on_line = pytest.mark.parametrize("chat", ["line"], indirect=True)


async def two_photos(chat: Chat) -> None:
    await chooses(chat, "id_card")
    await sends(chat, ("1.jpg", photo("id_card")))
    await sends(chat, ("2.jpg", photo("house_registration")))


async def finishes(chat: Chat) -> None:
    assert (
        await chat.post({"press": chat.screen.data(chat.house.kp7.texts("th", "choice.finish"))})
    ).status_code == 200


@on_line
async def test_bound_and_then_gone_to_the_list(chat: Chat, doors: Doors) -> None:
    await two_photos(chat)
    doors.telling.clear()
    await finishes(chat)
    await doors.done(3)
    await chat.says("เอกสาร")
    assert button(chat, "บัตรประชาชน").startswith("◐")
    seen = len(chat.screens)
    await doors.open()
    chat.sees("ask.checklist")
    assert len(chat.screens) <= seen + 1
    await chooses(chat, "id_card")
    chat.sees("ask.certify")


@on_line
async def test_gone_to_the_list_and_then_bound(chat: Chat, doors: Doors) -> None:
    await two_photos(chat)
    doors.working.clear()
    await finishes(chat)
    await chat.says("เอกสาร")
    await chooses(chat, "house")
    await doors.open()
    assert await papers(chat) == {"id_card": "taken"}
    await sends(chat, ("3.jpg", photo("house_registration", 0)))
    chat.sees("ask.pages_more")
    assert (await states(chat), await states(chat, "house")) == (["bound", "bound"], ["ready"])


@on_line
async def test_begun_anew_while_they_were_bound(chat: Chat, doors: Doors) -> None:
    """The old result does not answer for the new pages."""
    await two_photos(chat)
    doors.working.clear()
    await finishes(chat)
    await chat.says("เอกสาร")
    await chooses(chat, "id_card")
    await chat.taps("choice.retake")
    chat.sees("ask.pages_card")
    await doors.open()
    assert await papers(chat) == {}
    await sends(chat, ("card.pdf", pdf("id_card")))
    chat.sees("ask.pages_pdf")
    await nothing_left_over(chat.house)


@on_line
async def test_killed_between_binding_and_telling(chat: Chat, doors: Doors) -> None:
    """The row is carried again, by a process that knows nothing of the first time."""
    await two_photos(chat)
    doors.telling.clear()
    await finishes(chat)
    await doors.done(3)
    assert await papers(chat) == {"id_card": "taken"}
    before = await paper(chat.house)
    await chat.house.kp7.outbox.stop()
    doors = Doors(chat.house)
    chat.house.kp7.outbox.start()
    await chat.house.kp7.outbox._begin()
    await doors.open()
    chat.sees("ask.certify")
    after = await paper(chat.house)
    assert {**after, "detail": ""} == {**before, "detail": ""}  # what its pages say is looked for meanwhile
    await nothing_left_over(chat.house)


# --- stamping ---------------------------------------------------------------------------------------------------------


async def at_certifying(chat: Chat) -> None:
    await chooses(chat, "id_card")
    await sends(chat, ("card.pdf", pdf("id_card")))
    await chat.taps("choice.finish")
    chat.sees("ask.certify")


@on_line
async def test_a_stamp_for_an_older_version_marks_nothing(chat: Chat, doors: Doors) -> None:
    await at_certifying(chat)
    old = await paper(chat.house)
    doors.working.clear()
    await begins(chat, "stamp")
    await chat.says("เอกสาร")
    await chooses(chat, "id_card")
    await chat.taps("choice.replace")
    chat.sees("ask.pages_card")
    doors.working.set()
    await sends(chat, ("other.pdf", pdf("house_registration")))
    await chat.taps("choice.finish")
    chat.sees("ask.certify")
    await doors.open()
    new = await paper(chat.house)
    assert (new["state"], new["certified"], new["stamped_id"]) == ("taken", "", None)
    assert new["version"] > old["version"]
    await chat.taps("choice.signed_by_hand")
    chat.sees("documents.received")
    await nothing_left_over(chat.house)


@on_line
async def test_declared_by_hand_while_it_was_stamped(chat: Chat, doors: Doors) -> None:
    await at_certifying(chat)
    doors.working.clear()
    await begins(chat, "stamp")
    await chat.says("เอกสาร")
    await chooses(chat, "id_card")
    await chat.taps("choice.signed_by_hand")
    await doors.open()
    assert (await paper(chat.house))["certified"] == "hand"
    await nothing_left_over(chat.house)


@on_line
async def test_declared_by_hand_when_the_stamp_was_nearly_there(chat: Chat, doors: Doors) -> None:
    await at_certifying(chat)
    doors.objects.room.clear()
    await begins(chat, "stamp")
    await doors.objects.full.wait()
    await chat.says("เอกสาร")
    await chooses(chat, "id_card")
    await chat.taps("choice.signed_by_hand")
    doors.objects.room.set()
    await doors.open()
    made = await paper(chat.house)
    assert (made["certified"], made["stamped_id"]) == ("hand", None)
    assert await rows(chat.house, "SELECT 1 FROM files WHERE held = 0") == [], "what nobody wants goes at once"
    await nothing_left_over(chat.house)


@on_line
async def test_killed_between_stamping_and_telling(chat: Chat, doors: Doors) -> None:
    await at_certifying(chat)
    doors.telling.clear()
    await begins(chat, "stamp")
    await doors.done(2)
    before = await paper(chat.house)
    await chat.house.kp7.outbox.stop()
    doors = Doors(chat.house)
    chat.house.kp7.outbox.start()
    await chat.house.kp7.outbox._begin()
    await doors.open()
    chat.sees("ask.kept_received")
    assert await paper(chat.house) == before
    await nothing_left_over(chat.house)


@on_line
async def test_the_day_of_the_mark_is_the_day_on_which_it_was_asked_for(
    chat: Chat, doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However late the work is done: the store was away over night, say."""
    marks: list[Mark] = []
    stamp = Papers.stamp

    async def watched(papers: Papers, pdf: bytes, mark: Mark, boxes: Sequence[Box]) -> object:
        marks.append(mark)
        return await stamp(papers, pdf, mark, boxes)

    monkeypatch.setattr(Papers, "stamp", watched)
    await at_certifying(chat)
    doors.working.clear()
    house = chat.house
    day = local_date(house.clock(), house.kp7.settings.timezone)
    await begins(chat, "stamp")
    house.clock.forward(days=1)
    await doors.open()
    assert marks[0].lines[1] == house.kp7.texts("th", "stamp.date", {"date": day})


# --- two chats of one person ------------------------------------------------------------------------------------------


@pytest.fixture(params=["", "PostgreSQL"])
async def both(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[LineChat, Chat, Doors]]:
    """Somchai on LINE and at the web chat."""
    settings: dict[str, Any] = {"web_chat": True, "files_url": (tmp_path / "files").as_uri()}
    if request.param:
        settings["database_url"] = request.getfixturevalue("postgres_url")
    async with a_house(tmp_path, channel="line", **settings) as house:
        phone = await house.somebody()
        await at_the_list(house, phone)
        await has_signed(house)
        desk = await at_the_web(house)
        await desk.logs_in(SOMCHAI.national_id, SOMCHAI.email)
        await desk.taps("menu.documents")
        desk.sees("ask.checklist")
        assert isinstance(phone, LineChat)
        yield phone, desk, Doors(house)


async def at_the_web(house: House) -> Chat:
    chat = WebChat(house)
    house.chats.append(chat)
    await chat.open()
    return chat


async def test_a_pdf_here_and_a_photo_there_at_once(both: tuple[LineChat, Chat, Doors]) -> None:
    """Whichever is looked at first is the paper; the other is refused."""
    phone, desk, doors = both
    await chooses(phone, "id_card")
    await chooses(desk, "id_card")
    seen = len(phone.screens), len(desk.screens)
    await asyncio.gather(announces(phone, ("1.jpg", photo("id_card"))), announces(desk, ("card.pdf", pdf("id_card"))))
    await asyncio.gather(phone.hears(seen[0] + 1), desk.hears(seen[1] + 1))
    await doors.open()
    [left] = await rows(phone.house, "SELECT kind FROM pages WHERE state = 'ready'")
    loser = desk if left["kind"] == "photo" else phone
    loser.sees("error.paper_pdf_alone")
    await nothing_left_over(phone.house)


async def test_finished_here_and_there(both: tuple[LineChat, Chat, Doors]) -> None:
    phone, desk, doors = both
    await two_photos(phone)
    await chooses(desk, "id_card")
    desk.sees("ask.pages_more")
    doors.working.clear()
    await finishes(phone)
    await finishes(desk)
    await doors.open()
    phone.sees("ask.certify")
    desk.sees("ask.certify")
    assert await papers(phone) == {"id_card": "taken"}
    await nothing_left_over(phone.house)


async def test_finished_here_while_more_comes_from_there(both: tuple[LineChat, Chat, Doors]) -> None:
    phone, desk, doors = both
    await two_photos(phone)
    await chooses(desk, "id_card")
    doors.working.clear()
    await finishes(phone)
    await announces(desk, ("3.jpg", photo("transcript")))
    await doors.open()
    assert await papers(phone) in ({}, {"id_card": "taken"})
    if not await papers(phone):
        phone.sees("ask.pages_more")
        assert "3 หน้า" in phone.screen.text
        await phone.taps("choice.finish")
    phone.sees("ask.certify")
    await nothing_left_over(phone.house)


async def test_stamped_here_and_declared_there(both: tuple[LineChat, Chat, Doors]) -> None:
    phone, desk, doors = both
    await at_certifying(phone)
    await desk.says("เอกสาร")
    await chooses(desk, "id_card")
    desk.sees("ask.certify")
    doors.working.clear()
    await begins(phone, "stamp")
    await desk.taps("choice.signed_by_hand")
    desk.sees("documents.received")
    await doors.open()
    assert (await paper(phone.house))["certified"] == "hand"
    phone.sees("ask.checklist")
    await nothing_left_over(phone.house)


async def test_discarded_here_while_it_is_stamped_there(both: tuple[LineChat, Chat, Doors]) -> None:
    phone, desk, doors = both
    await at_certifying(phone)
    await desk.says("เอกสาร")
    await chooses(desk, "id_card")
    doors.working.clear()
    await begins(phone, "stamp")
    await desk.taps("choice.replace")
    await doors.open()
    phone.sees("ask.pages_card")
    desk.sees("ask.pages_card")
    assert await papers(phone) == {}
    await nothing_left_over(phone.house)
