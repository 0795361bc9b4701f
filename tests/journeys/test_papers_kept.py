"""The store for files is full, or gone: nothing is lost, nobody has to send anything again."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.house import Chat, a_house
from tests.journeys.doors import Doors
from tests.journeys.papers import announces, at_the_list, chooses, has_signed, sends
from tests.journeys.test_documents import all_but_one, kept, nothing_left_over, paper, pdf, photo
from tests.security.tools import rows

FAILED = "SELECT 1 FROM outbox WHERE kind = 'papers' AND attempts > 0"


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Chat]:
    async with a_house(tmp_path, channel="line") as house:
        chat = await house.somebody()
        await at_the_list(house, chat)
        await has_signed(house)
        yield chat


@pytest.fixture
async def doors(chat: Chat) -> Doors:
    return Doors(chat.house)


async def begins(chat: Chat, choice: str) -> None:
    if choice == "stamp":
        await chat.taps("choice.stamp")
        choice = "stamp_now"
    data = chat.screen.data(chat.house.kp7.texts("th", f"choice.{choice}"))
    assert (await chat.post({"press": data})).status_code == 200


async def fails_once(chat: Chat) -> None:
    async with asyncio.timeout(20):
        while not await rows(chat.house, FAILED):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def is_tried_again(chat: Chat, doors: Doors) -> None:
    """It has failed, and stands in the outbox for later; then there is room, and later comes."""
    await fails_once(chat)
    [row] = await rows(chat.house, "SELECT reason, dead_at FROM outbox WHERE kind = 'papers'")
    assert dict(row) == {"reason": "files: no room left", "dead_at": None}
    assert doors.objects.failed
    doors.objects.fails = lambda _: False
    chat.house.clock.forward(seconds=5)
    await doors.open()


@pytest.mark.parametrize("file", [("1.jpg", photo), ("card.pdf", pdf)])
async def test_a_file_that_could_not_be_kept_at_once(chat: Chat, doors: Doors, file: tuple[str, object]) -> None:
    await chooses(chat, "id_card")
    doors.objects.fails = lambda _: True
    await announces(chat, (file[0], photo("id_card") if file[0] == "1.jpg" else pdf("id_card")))
    await is_tried_again(chat, doors)
    chat.sees("ask.pages_more" if file[0] == "1.jpg" else "ask.pages_pdf")
    await nothing_left_over(chat.house)


@pytest.mark.parametrize("fails", ["get", "put"])
async def test_a_paper_that_could_not_be_bound_at_once(chat: Chat, doors: Doors, fails: str) -> None:
    await chooses(chat, "id_card")
    await sends(chat, ("1.jpg", photo("id_card")))
    doors.objects.fails = lambda what: what == fails
    await begins(chat, "finish")
    await is_tried_again(chat, doors)
    chat.sees("ask.certify")
    assert (await kept(chat.house, (await paper(chat.house))["file_id"])).startswith(b"%PDF-")
    await nothing_left_over(chat.house)


@pytest.mark.parametrize("fails", ["get", "put", "the preview"])
async def test_a_paper_that_could_not_be_stamped_at_once(chat: Chat, doors: Doors, fails: str) -> None:
    await chooses(chat, "id_card")
    await sends(chat, ("card.pdf", pdf("id_card")))
    await chat.taps("choice.finish")
    puts = itertools.count()
    second = fails == "the preview"
    doors.objects.fails = lambda what: (what == "put" and next(puts) % 2 == 1) if second else what == fails
    await begins(chat, "stamp")
    await is_tried_again(chat, doors)
    chat.sees("ask.kept_received")
    assert (await paper(chat.house))["certified"] == "phone"
    await nothing_left_over(chat.house)


async def test_whoever_does_not_wait_for_it_goes_on_with_another_paper(chat: Chat, doors: Doors) -> None:
    """Also while the store is away; what was sent turns up in the list when it is back."""
    await chooses(chat, "id_card")
    doors.objects.fails = lambda _: True
    await announces(chat, ("1.jpg", photo("id_card")))
    await chat.says("เอกสาร")
    await chooses(chat, "father_card")
    await chat.taps("choice.no_such_paper")
    await chat.taps("choice.ask_waiver")
    chat.sees("documents.waiver_asked")
    await is_tried_again(chat, doors)
    chat.sees("documents.kept_for_later", "ask.checklist")
    await chooses(chat, "id_card")
    chat.sees("ask.pages_more")
    await nothing_left_over(chat.house)


async def expires(chat: Chat, doors: Doors) -> None:
    """It has been tried for as long as it makes sense."""
    async with chat.house.kp7.database.write() as tx:
        await tx.run("UPDATE outbox SET due_at = 1, expires_at = 1 WHERE kind = 'papers'")
    await doors.open()


async def test_a_file_that_could_never_be_kept_is_given_up_and_that_is_said(chat: Chat, doors: Doors) -> None:
    await chooses(chat, "id_card")
    doors.objects.fails = lambda _: True
    await announces(chat, ("1.jpg", photo("id_card")))
    await fails_once(chat)
    await expires(chat, doors)
    chat.sees("error.paper_not_done", "ask.pages_card")
    assert await rows(chat.house, "SELECT 1 FROM pages") == []
    await nothing_left_over(chat.house)


async def test_a_file_that_was_kept_is_not_given_up_because_nobody_could_be_told(chat: Chat, doors: Doors) -> None:
    await chooses(chat, "id_card")
    doors.troubled = True
    await announces(chat, ("1.jpg", photo("id_card")))
    await fails_once(chat)
    await expires(chat, doors)
    chat.sees("ask.pages_more")
    assert "ไม่สำเร็จ" not in chat.screen.text
    await nothing_left_over(chat.house)


async def test_a_paper_that_could_never_be_stamped_can_be_signed_by_hand(chat: Chat, doors: Doors) -> None:
    await chooses(chat, "id_card")
    await sends(chat, ("card.pdf", pdf("id_card")))
    await chat.taps("choice.finish")
    doors.objects.fails = lambda _: True
    await begins(chat, "stamp")
    await fails_once(chat)
    await expires(chat, doors)
    chat.sees("error.paper_not_done", "ask.declare")
    await chat.taps("choice.other_way")
    await chat.taps("choice.signed_by_hand")
    chat.sees("documents.received")
    await nothing_left_over(chat.house)


async def test_from_the_first_photo_to_handing_in_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    files = (tmp_path / "files").as_uri()
    async with a_house(tmp_path, channel="line", database_url=postgres_url, files_url=files) as house:
        chat = await house.somebody()
        await at_the_list(house, chat)
        await all_but_one(chat)
        await chat.taps("choice.replace")
        await sends(chat, *((f"{n}.jpg", photo("transcript", n)) for n in range(2)))
        assert "2 หน้า" in chat.screen.text
        await chat.taps("choice.finish")
        chat.sees("ask.certify")
        await chat.taps("choice.stamp")
        await chat.taps("choice.stamp_now")
        await chat.taps("choice.to_list")
        await chat.taps("choice.submit")
        await chat.taps("choice.submit_now")
        chat.sees("documents.submitted")
        made = await paper(house)
        assert (made["state"], made["certified"], made["stamped_id"]) == ("submitted", "phone", None)
        await nothing_left_over(house)
