"""Files sent to the web chat: from whoever is logged in, of a size that can be handled, and not without end."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot import metrics
from bot.channels import uploads
from storage import people
from storage.folder import Folder
from storage.objects import Unstored
from storage.people import national_id_index
from tests.cast import MALEE, SOMCHAI
from tests.chats import WebChat
from tests.house import House, a_house
from tests.security.test_web import COOKIES, FOREIGN, assert_refused, state
from tests.security.tools import rows, stored

PAPER = b"%PDF-1.7 a paper"


async def logged_in(house: House) -> WebChat:
    chat = await house.somebody()
    assert isinstance(chat, WebChat)
    await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    return chat


async def kept(house: House) -> list[dict[str, Any]]:
    """All there is of files: rows, and what lies in the store."""
    lying = [{"name": name} for name in stored(house)]
    return [*await rows(house, "SELECT id FROM files UNION ALL SELECT id FROM files_gone"), *lying]


class Refusals:
    """What was there before is all that is there after."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def __aenter__(self) -> None:
        self.before = (await state(self.house), await kept(self.house))

    async def __aexit__(self, *_: object) -> None:
        assert (await state(self.house), await kept(self.house)) == self.before


def says(response: httpx.Response, house: House, key: str) -> None:
    assert_refused(response)
    assert response.json()["message"]["th"] == house.kp7.texts("th", key)


async def test_whoever_is_not_logged_in_hands_in_nothing(house: House) -> None:
    chat = await house.somebody()
    assert isinstance(chat, WebChat)
    async with Refusals(house):
        response = await chat.sends(PAPER)
        assert response.status_code == 403
        says(response, house, "web.error.login_first")
    await chat.begins(SOMCHAI.national_id)
    async with Refusals(house):
        assert (await chat.sends(PAPER)).status_code == 403


async def test_a_slot_that_nobody_is_at_takes_nothing_beside_one_that_is_logged_in(house: House) -> None:
    chat = await logged_in(house)
    async with Refusals(house):
        assert (await chat.sends(PAPER, slot=2)).status_code == 403
    assert (await chat.sends(PAPER)).status_code == 200


async def test_after_a_session_nothing_is_taken(house: House) -> None:
    """Nor before the sweep comes by."""
    chat = await logged_in(house)
    house.clock.forward(hours=2)
    async with Refusals(house):
        assert (await chat.sends(PAPER)).status_code == 403


async def test_a_session_that_somebody_wrote_into_the_database_takes_nothing(house: House) -> None:
    chat = await logged_in(house)
    async with house.kp7.database.write() as tx:
        await tx.run("UPDATE accounts SET session_at = session_at + 1 WHERE session IS NOT NULL")
    async with Refusals(house):
        assert (await chat.sends(PAPER)).status_code == 403


async def test_other_sites_and_other_browsers_hand_in_nothing(house: House) -> None:
    chat = await logged_in(house)
    url = f"{house.url}/chat/people/1/files?id=abcdefgh&name=a.pdf"
    async with Refusals(house):
        for headers in FOREIGN:
            assert_refused(await chat.client.post(url, content=PAPER, headers=headers))
        async with httpx.AsyncClient() as stranger:
            for cookie in COOKIES:
                given = {b"cookie": f"kp7={cookie}".encode()}
                assert_refused(await stranger.post(url, content=PAPER, headers=given))


async def test_what_is_too_large_is_not_kept(house: House) -> None:
    """Whether it says so beforehand or not."""
    chat = await logged_in(house)

    async def endless() -> Any:
        for _ in range(21):
            yield bytes(2**20)

    url = f"{house.url}/chat/people/1/files?id=abcdefgh&name=a.pdf"
    async with Refusals(house):
        response = await chat.client.post(url, content=bytes(uploads.FILE_LIMIT + 1))
        assert response.status_code == 413
        says(response, house, "web.error.file_too_large")
        assert (await chat.client.post(url, content=endless())).status_code == 411


@pytest.mark.parametrize(
    "query",
    [
        {"id": ""}, {"id": "a b c d e f"}, {"name": ""}, {"name": "a" * 256}, {"nth": "0"}, {"nth": "2"},
        {"nth": "2", "of": "1"}, {"nth": "1", "of": "101"}, {"nth": "๑"}, {"nth": "-1", "of": "3"}, {"of": "1e1"},
        {"nth": "1" * 5_000},
    ],
)  # fmt: skip
async def test_what_is_badly_asked_for(house: House, query: dict[str, Any]) -> None:
    chat = await logged_in(house)
    async with Refusals(house):
        response = await chat.sends(PAPER, **query)
        assert response.status_code == 400
        assert_refused(response)


async def waiting(house: House, count: int) -> None:
    """Somchai has sent so many files that nobody has looked at yet."""
    async with house.kp7.database.read() as tx:
        person = await people.by_index(tx, house.kp7.vault, national_id_index(house.kp7.vault, SOMCHAI.national_id))
    assert person
    for _ in range(count):
        await house.kp7.files.put(person.id, person.key, PAPER, house.clock())


async def test_so_many_files_and_no_more_until_something_holds_them(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "UNHELD_MOST", 3)
    chat = await logged_in(house)
    await waiting(house, 3)
    async with Refusals(house):
        response = await chat.sends(PAPER)
        assert response.status_code == 429
        says(response, house, "web.error.too_many_files")
    assert metrics.REGISTRY.get_sample_value("kp7_files_total", {"outcome": "too_many_files"})
    malee = await house.somebody()
    assert isinstance(malee, WebChat)
    await malee.logs_in(MALEE.national_id, MALEE.email)
    assert (await malee.sends(PAPER)).status_code == 200, "others are not held up"
    async with house.kp7.database.write() as tx:
        await tx.run("UPDATE files SET held = 1")
    assert (await chat.sends(PAPER)).status_code == 200


async def test_so_many_bytes_and_no_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "UNHELD_BYTES", 2 * len(PAPER))
    chat = await logged_in(house)
    await waiting(house, 1)
    assert [(await chat.sends(PAPER * n)).status_code for n in (1, 2)] == [200, 429]


async def test_the_same_upload_twice_is_one_event(house: House) -> None:
    chat = await logged_in(house)
    shown, id = len(chat.screens), str(uuid.uuid4())
    for _ in range(2):
        assert (await chat.sends(PAPER, id=id)).status_code == 200
    await chat.hears(shown + 1)
    assert len(await rows(house, "SELECT 1 FROM inbox WHERE event_id LIKE :id", id=f"%{id}")) == 1


async def test_what_no_question_wants_goes_at_once(house: House) -> None:
    """Its row, with the turn that hears of it; what lay under it, minutes later. So nobody shuts themselves out."""
    chat = await logged_in(house)
    shown = len(chat.screens)
    await chat.sends(PAPER)
    await chat.hears(shown + 1)
    chat.sees("error.no_file_wanted")
    assert await rows(house, "SELECT * FROM files") == []
    await house.kp7.files.sweep(house.clock() + 11 * 60_000)
    assert await kept(house) == []


async def test_a_store_that_is_down_is_said_and_the_event_waits_for_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = await logged_in(house)
    put, id = Folder.put, str(uuid.uuid4())

    async def down(*_: object) -> None:
        raise Unstored("the disk is full")

    monkeypatch.setattr(Folder, "put", down)
    events = await rows(house, "SELECT * FROM inbox")
    response = await chat.sends(PAPER, id=id)
    assert response.status_code == 503
    assert response.json()["message"]["th"] == house.kp7.texts("th", "web.error.busy")
    assert await rows(house, "SELECT * FROM inbox") == events
    monkeypatch.setattr(Folder, "put", put)
    assert (await chat.sends(PAPER, id=id)).status_code == 200


async def test_large_and_slow_files_are_in_nobodys_way(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """They go to the disk as they come, so what is received at once does not count them."""
    monkeypatch.setattr("bot.http.RECEIVING_MOST", 2**16)
    chat = await logged_in(house)
    begun, over = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield bytes(2**20)
        begun.set()
        await over.wait()
        yield bytes(2**20)

    url, length = f"{house.url}/chat/people/1/files?id=abcdefgh&name=a", {"content-length": str(2**21)}
    uploading = asyncio.create_task(chat.client.post(url, content=slow(), headers=length))
    await begun.wait()
    assert (await chat.sends(bytes(2**20))).status_code == 200
    await chat.says("สวัสดี")
    over.set()
    assert (await uploading).status_code == 200


async def test_what_comes_again_does_not_count_as_waiting(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that sends again because the answer was lost would shut its owner out."""
    monkeypatch.setattr(uploads, "UNHELD_MOST", 2)
    chat, id = await logged_in(house), str(uuid.uuid4())
    for _ in range(6):
        assert (await chat.sends(PAPER, id=id)).status_code == 200


async def test_a_key_that_somebody_wrote_into_the_table_seals_nothing(house: House) -> None:
    """Whoever writes the table and knows another key could read what is sealed with it."""
    chat = await logged_in(house)
    malee = await rows(house, "SELECT key_id FROM people WHERE id_index = :it", it=index(house, MALEE.national_id))
    async with house.kp7.database.write() as tx:
        await tx.run(
            "UPDATE people SET key_id = :key WHERE id_index = :it",
            {"key": malee[0]["key_id"], "it": index(house, SOMCHAI.national_id)},
        )
    assert (await chat.sends(PAPER)).status_code == 403
    assert not stored(house)


def index(house: House, national_id: str) -> str:
    return national_id_index(house.kp7.vault, national_id)


@pytest.fixture
async def hasty(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path, channel="web", body_seconds=0.5) as house:
        yield house


async def test_a_phone_with_a_bad_net_is_given_time_once_it_is_known_whose_it_is(hasty: House) -> None:
    chat = await logged_in(hasty)

    async def slow() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield bytes(2**15)
            await asyncio.sleep(0.15)

    url, length = f"{hasty.url}/chat/people/1/files?id=abcdefgh&name=a", {"content-length": str(2**18)}
    assert (await chat.client.post(url, content=slow(), headers=length)).status_code == 200


async def test_a_phone_that_loses_its_net_leaves_nothing_behind(house: House) -> None:
    chat = await logged_in(house)
    before = await kept(house)

    async def breaks() -> AsyncIterator[bytes]:
        yield bytes(2**20)
        raise ConnectionError("in a tunnel")

    url, length = f"{house.url}/chat/people/1/files?id=abcdefgh&name=a", {"content-length": str(2**21)}
    with pytest.raises(ConnectionError):
        await chat.client.post(url, content=breaks(), headers=length)
    async with asyncio.timeout(30):
        while await rows(house, "SELECT 1 FROM files") or not await rows(house, "SELECT 1 FROM files_gone"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await house.kp7.files.sweep(house.clock() + 11 * 60_000)
    assert await kept(house) == before
