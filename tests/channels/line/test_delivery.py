"""One message out: as a reply while that is free, else as a push; once, whatever happens on the way."""

import asyncio
import re
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.channels.line import api, channel
from bot.channels.line.channel import ASK_AGAIN, SETTLE, Line
from bot.channels.line.decode import TOKEN_SECONDS
from bot.channels.line.fake import FakeLine, Fault
from bot.channels.line.fake_webhooks import group_id, room_id, user_id
from bot.events import Button, Message
from bot.outbox import Entry, Undelivered
from bot.settings import Settings
from bot.times import SECOND
from bot.topic import Incoming
from bot.walk import message_json
from handlers.identity.verifier import TIMEOUT_SECONDS
from storage.ids import new_id, uuid_of
from tests.cast import ANAN, MALEE
from tests.fake_verifier import a_verifier
from tests.house import LINE_SECRET, LINE_TOKEN, Chat, Clock, House, a_house, somebody
from tests.security.tools import rows

SOMCHAI, STAFF, ROOM = user_id(1), group_id(1), room_id(1)
HELLO = Message(("สวัสดีค่ะ",), (Button("เข้าสู่ระบบ", "go:login", "primary"),))
WAIT = Message(("กำลังตรวจสอบ",), busy=20)


class Desk:
    """A LINE channel and its LINE; `sends` brings one row out."""

    def __init__(self, line: FakeLine, clock: Clock) -> None:
        self.line, self.clock = line, clock
        given: dict[str, Any] = {
            "line_channel_secret": LINE_SECRET,
            "line_channel_access_token": LINE_TOKEN,
            "line_api_url": line.url,
        }
        self.channel = Line(Settings(_env_file=None, **given), _nobody, clock)

    def row(self, message: Message = HELLO, *, to: str = SOMCHAI, token: str | None = "") -> Entry:
        """`token` "": a fresh one; None: none."""
        content: dict[str, Any] = {"to": to, "message": message_json(message)}
        if token is not None:
            token = token or self.line.reply_token(to)
            content |= {"token": token, "token_until": self.clock() + TOKEN_SECONDS * 1000}
        return self._entry("reply", content)

    def leave(self, to: str) -> Entry:
        return self._entry("leave", {"to": to})

    def _entry(self, purpose: str, content: dict[str, Any]) -> Entry:
        return Entry(
            id=new_id(), lane="", kind="line", account_id=None, person_id=None, purpose=purpose, key_id="", body="",
            due_at=0, expires_at=0, content=content,
        )  # fmt: skip

    async def sends(self, row: Entry) -> None:
        await self.channel.deliver(row)

    async def sends_again(self, row: Entry) -> None:
        """As the worker does with a row that may have been tried before."""
        await self.channel.deliver(replace(row, unsure=True))

    @property
    def ways(self) -> list[str]:
        return [call.endpoint for call in self.line.accepted]


async def _nobody(_: Incoming) -> str:
    raise AssertionError("nothing comes in here")


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    clock = Clock()
    async with FakeLine(token=LINE_TOKEN, clock=clock).running() as line:
        desk = Desk(line, clock)
        yield desk
        await desk.channel.close()
        assert line.violations == []


# --- reply or push ----------------------------------------------------------------------------------------------------


async def test_a_reply_costs_nothing(desk: Desk) -> None:
    await desk.sends(desk.row())
    assert desk.ways == ["reply"]
    assert desk.line.consumption == 0
    assert [message["type"] for message in desk.line.shown(SOMCHAI)] == ["text", "flex"]


async def test_what_nobody_asked_for_is_pushed_under_its_rows_own_key(desk: Desk) -> None:
    row = desk.row(token=None)
    await desk.sends(row)
    (call,) = desk.line.accepted
    assert (call.endpoint, call.retry_key) == ("push", uuid_of(row.id))
    assert uuid.UUID(uuid_of(row.id)).version == 4


async def test_a_token_is_tried_while_it_lives_and_not_a_moment_longer(desk: Desk) -> None:
    young, old, asked_after, given_up = desk.row(), desk.row(), desk.row(), desk.row()
    settle = SETTLE // SECOND
    desk.clock.forward(seconds=TOKEN_SECONDS - settle - 2)
    await desk.sends(young)
    desk.clock.forward(seconds=2)
    await desk.sends(old)  # no time is left to ask after it, should LINE not answer
    desk.clock.forward(seconds=settle - 2)
    await desk.sends_again(asked_after)
    desk.clock.forward(seconds=2)
    await desk.sends_again(given_up)
    assert desk.ways == ["reply", "push", "reply", "push"]
    assert desk.line.refused == [], "LINE was not even asked"


@pytest.mark.parametrize(
    ("fault", "known"), [("close_after", False), ("500", False), ("429", True)], ids=["taken", "not taken", "told so"]
)
async def test_a_reply_that_nobody_knows_of_is_asked_after_often(desk: Desk, fault: Fault, known: bool) -> None:
    desk.line.fail_next(fault, 2)
    for sends in (desk.sends, desk.sends_again):
        with pytest.raises(Undelivered) as raised:
            await sends(desk.row())
        assert raised.value.within == (0 if known and sends == desk.sends else ASK_AGAIN)


async def test_a_reply_that_was_begun_at_the_last_moment_is_asked_after_before_its_token_dies(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It took ten seconds to hear that nobody knows."""
    row = desk.row()

    async def times_out(*_: object) -> None:
        desk.clock.forward(seconds=api.TIMEOUT_SECONDS)
        raise Undelivered("LINE did not answer in time")

    desk.clock.forward(seconds=TOKEN_SECONDS - SETTLE / SECOND - 0.5)
    monkeypatch.setattr(desk.channel._api, "reply", times_out)
    with pytest.raises(Undelivered) as raised:
        await desk.sends(row)
    left = row.content["token_until"] - desk.clock()
    assert 0 < raised.value.within < left - 1_000


async def test_a_push_is_in_no_hurry(desk: Desk) -> None:
    desk.line.fail_next("close_after")
    with pytest.raises(Undelivered) as raised:
        await desk.sends(desk.row(token=None))
    assert raised.value.within == 0


async def test_a_token_that_line_refuses_at_once_was_not_used_by_us(desk: Desk) -> None:
    await desk.sends(desk.row(token="made up"))
    assert desk.ways == ["push"]


async def test_a_token_that_line_refuses_to_whoever_tried_before_has_done_its_work(desk: Desk) -> None:
    row = desk.row()
    desk.line.fail_next("close_after")
    with pytest.raises(Undelivered):
        await desk.sends(row)
    await desk.sends_again(row)
    assert desk.ways == ["reply"]
    assert [refused.problem for refused in desk.line.refused] == ["Invalid reply token"]


@pytest.mark.parametrize("fault", ["429", "500", "close_before", "500_after", "close_after", "close_midway"])
@pytest.mark.parametrize("token", ["", None])
async def test_one_fault_and_the_message_is_there_once(desk: Desk, fault: Fault, token: str | None) -> None:
    row = desk.row(token=token)
    desk.line.fail_next(fault)
    with pytest.raises(Undelivered) as raised:
        await desk.sends(row)
    assert not raised.value.permanent
    for _ in range(2):  # the second time because the row outlived the answer to the first
        await desk.sends_again(row)
    assert len(desk.line.shown(SOMCHAI)) == 2, "one text, one card"


async def test_a_push_that_was_taken_is_done_when_line_says_so(desk: Desk) -> None:
    row = desk.row(token=None)
    await desk.sends(row)
    await desk.sends_again(row)
    assert desk.line.repeated == [uuid_of(row.id)]
    assert len(desk.line.shown(SOMCHAI)) == 2


async def test_used_up_quota_stops_pushes_and_not_replies(desk: Desk) -> None:
    desk.line.monthly_limit = 0
    with pytest.raises(Undelivered, match="quota") as raised:
        await desk.sends(desk.row(token=None))
    assert raised.value.wait == api.QUOTA_WAIT
    await desk.sends(desk.row())
    assert desk.ways == ["reply"]


# --- groups -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", [STAFF, ROOM])
async def test_nothing_is_ever_pushed_to_a_group(desk: Desk, group: str) -> None:
    """It would cost a message for each member, and reach them all."""
    await desk.sends(desk.row(to=group))
    await desk.sends(desk.row(to=group, token=None))
    await desk.sends(desk.row(to=group, token="old"))
    assert desk.ways == ["reply"]


@pytest.mark.parametrize("group", [STAFF, ROOM])
async def test_leaving_what_was_left(desk: Desk, group: str) -> None:
    desk.line.groups.add(group)
    for _ in range(2):
        await desk.sends(desk.leave(group))
    assert desk.line.leaves == [group]


# --- the loading animation --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", None])
async def test_while_something_slow_goes_on_the_chat_shows_it(desk: Desk, token: str | None) -> None:
    """After the message: one that comes later would end it."""
    await desk.sends(desk.row(WAIT, token=token))
    assert desk.line.loading == [(SOMCHAI, 20)]
    assert len(desk.ways) == 1
    await desk.sends(desk.row(HELLO))
    assert len(desk.line.loading) == 1


async def test_no_animation_without_its_message(desk: Desk) -> None:
    desk.line.fail_next("500")
    with pytest.raises(Undelivered):
        await desk.sends(desk.row(WAIT))
    assert desk.line.loading == []


@pytest.mark.parametrize("fault", ["429", "500", "timeout", "close_before", "close_midway"])
async def test_an_animation_that_fails_harms_nothing(desk: Desk, fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it keep the next message waiting for long."""
    monkeypatch.setattr(channel, "LOADING_SECONDS", 0.2)
    desk.line.fail_next(fault, endpoint="loading")
    begun = time.monotonic()
    await desk.sends(desk.row(WAIT))
    assert time.monotonic() - begun < 10
    assert desk.ways == ["reply"]
    await desk.sends(desk.row(HELLO))
    assert desk.ways == ["reply", "reply"]


async def test_a_card_that_is_being_checked_shows_the_animation(tmp_path: Path) -> None:
    async with (
        a_verifier() as verifier,
        a_house(tmp_path, channel="line", card_verifier="http", card_verifier_url=verifier.url) as house,
    ):
        assert house.line
        verifier.cards[ANAN.national_id] = ANAN.laser
        verifier.hold()
        anan = await somebody(house)
        await anan.begins(ANAN.national_id)
        for answer in (ANAN.name, ANAN.born, ANAN.laser):
            await anan.says(answer)
        anan.sees("wait.laser")
        await house.line.until(lambda: house.line is not None and house.line.loading == [(anan.user, TIMEOUT_SECONDS)])
        await anan.says("เสร็จหรือยัง")
        screens = len(anan.screens)
        verifier.answer_one()
        await anan.hears(screens + 1)
        anan.sees("ask.email")
        assert len(house.line.loading) == 1


# --- in the house -----------------------------------------------------------------------------------------------------


async def row_where(house: House, condition: str) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while not (found := await rows(house, f"SELECT * FROM outbox WHERE {condition}")):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return dict(found[0])


async def test_a_message_that_line_will_never_take_is_a_dead_letter_with_a_reason(house: House) -> None:
    """Which an operator can read, and which names nobody."""
    assert house.line
    chat = await somebody(house)
    await chat.begins(MALEE.national_id)
    house.line.strangers.add(chat.user)
    event = chat.webhooks.text(chat.user, "0810000001")
    await chat.sends({**event, "replyToken": "unknown"})
    dead = await row_where(house, "dead_at IS NOT NULL")
    assert dead["reason"] == "LINE refused the message (400): The request body has 1 error(s) to"
    assert not re.search(r"[ก-๛]|\d{4,}|@", dead["reason"])
    assert "มาลี" not in dead["body"]
    house.line.strangers.clear()
    house.line.refused.clear()
    screens = len(chat.screens)
    await chat.says("ช่วยเหลือ")
    assert len(chat.screens) == screens + 1, "the chat goes on behind it"


async def test_a_wrong_access_token_loses_nothing(house: House) -> None:
    """It is put right, and what was to be said is said."""
    assert house.line
    chat = await somebody(house)
    house.line.token = "another"
    await chat.post({"text": "login"})
    waits = await row_where(house, "attempts > 0")
    assert waits["dead_at"] is None
    assert "LINE_CHANNEL_ACCESS_TOKEN" in waits["reason"]
    house.line.token = LINE_TOKEN
    house.line.refused.clear()
    house.clock.forward(hours=1)
    await chat.hears(2)
    chat.sees("ask.notice")


async def test_what_the_quota_holds_back_holds_up_nobody(house: House) -> None:
    assert house.line
    chat, other = await somebody(house), await somebody(house)
    house.line.monthly_limit = 0
    await chat.sends({**chat.webhooks.text(chat.user, "login"), "replyToken": ""})
    waits = await row_where(house, "reason LIKE '%quota%'")
    assert waits["attempts"] == 0
    assert waits["due_at"] >= house.clock() + api.QUOTA_WAIT - 60_000
    house.line.refused.clear()
    for one in (chat, other):
        await one.says("ช่วยเหลือ")
        one.sees("help.general" if one is other else "help.notice")


async def test_trouble_of_every_kind_and_then_it_comes_once(house: House) -> None:
    """In whatever letters LINE's front servers put their apology."""
    assert house.line
    chat: Chat = await somebody(house)
    faults: tuple[Fault, ...] = ("500", "500", "500", "close_before", "429")
    for fault in faults:
        house.line.fail_next(fault)
    await chat.post({"text": "login"})
    async with asyncio.timeout(15):
        while len(house.line.faults_met) < 5:
            house.clock.forward(seconds=5)
            await asyncio.sleep(0.1)
        house.clock.forward(seconds=5)
        await chat.hears(2)
    chat.sees("ask.notice")
    await asyncio.sleep(0.1)
    assert len(chat.screens) == 2
