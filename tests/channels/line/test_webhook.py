"""Deliveries as LINE makes them: batches, odd neighbours, people who come, go, and send what nobody asked for."""

import asyncio
import json
from typing import Any

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.line.api import LineApi
from bot.channels.line.fake import Json
from bot.channels.line.fake_webhooks import redelivered, user_id
from tests.cast import ANAN, MALEE, SOMCHAI
from tests.channels.line.openapi import needs_openapi
from tests.channels.line.test_decode import Described, changed, known, paths
from tests.house import House, LineChat, somebody
from tests.security.tools import registers, rows

NEW = "anan.s@example.go.th"


async def settled(house: House) -> None:
    """All that LINE was to be told is out, or never will be."""
    async with asyncio.timeout(10):
        while await rows(house, "SELECT 1 FROM outbox WHERE kind = 'line' AND dead_at IS NULL"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


# --- neighbours -------------------------------------------------------------------------------------------------------

letters = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | letters
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(letters, inner, max_size=3)
)


def odd_events() -> list[Json]:
    """Events with anything in any field, of somebody who is not here otherwise."""
    found: list[Json] = []

    @settings(max_examples=150, database=None)
    @given(st.data(), st.sampled_from(known), json_values)
    def collect(data: st.DataObject, event: Json, value: object) -> None:
        found.append(changed(event, data.draw(st.sampled_from(list(paths(event)))), value))

    collect()
    whole: list[Json] = json.loads(json.dumps(found).replace(user_id(1), user_id(0xABCDE)))
    return whole


async def test_odd_events_harm_no_neighbour(house: House) -> None:
    """In every batch somebody says something sensible between all that, and is answered."""
    assert house.line
    odd: list[Json] = [*odd_events(), {}, {"type": 7}]
    chats = [await somebody(house) for _ in range(3)]
    with structlog.testing.capture_logs() as said:
        for start in range(0, len(odd), 10):
            screens = [len(chat.screens) for chat in chats]
            good = [chat.webhooks.text(chat.user, "ช่วยเหลือ") for chat in chats]
            batch = [good[0], *odd[start : start + 5], good[1], *odd[start + 5 : start + 10], good[2]]
            assert (await chats[0].sends(*batch)).status_code == 200
            for chat, seen in zip(chats, screens, strict=True):
                await chat.hears(seen + 1)
                chat.sees("help.general")
        await settled(house)
    assert not [line for line in said if line["event"] in ("event_failed", "carrier_failed", "database_unavailable")]
    house.line.refused.clear()  # invented tokens and ids


async def test_what_is_no_event_at_all(house: House) -> None:
    chat = await somebody(house)
    nothings: tuple[object, ...] = (None, 7, "message", [], [{}], True, {"events": []})
    for event in nothings:
        body = json.dumps({"events": [event, chat.webhooks.text(chat.user, "ช่วยเหลือ")]}).encode()
        screens = len(chat.screens)
        headers = chat.webhooks.headers(body)
        assert (await chat.client.post(f"{house.url}/webhooks/line", content=body, headers=headers)).status_code == 200
        await chat.hears(screens + 1)


@needs_openapi
async def test_all_kinds_of_events_that_line_describes(house: House) -> None:
    assert house.line
    chat = await somebody(house)
    events = list(Described().events())
    with structlog.testing.capture_logs() as said:
        assert (await chat.sends(*events)).status_code == 200
        await chat.says("ช่วยเหลือ")
        chat.sees("help.general")
        await settled(house)
    assert not [line for line in said if line["event"] == "event_failed"]
    house.line.refused.clear()  # ids of one letter


# --- batches ----------------------------------------------------------------------------------------------------------


async def test_one_persons_events_of_a_batch_go_in_order_and_everybodys_side_by_side(house: House) -> None:
    chats = [await somebody(house) for _ in range(5)]
    steps = ("เข้าสู่ระบบ", "รับทราบ", ANAN.national_id, ANAN.name, ANAN.born)
    batch = [chat.webhooks.text(chat.user, step) for step in steps for chat in chats]
    assert (await chats[0].sends(*batch)).status_code == 200
    for chat in chats:
        async with asyncio.timeout(10):
            while "Laser" not in chat.screen.text and "เลเซอร์" not in chat.screen.text:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        chat.sees("ask.laser")
        assert len(chat.screens) <= 1 + len(steps)


async def test_a_batch_that_comes_again_because_part_of_it_was_new(house: House) -> None:
    """LINE repeats all of a delivery; what was taken before is not taken again."""
    one, other = await somebody(house), await somebody(house)
    first = one.webhooks.text(one.user, "login")
    assert (await one.sends(first)).status_code == 200
    await one.hears(2)
    both = (redelivered(first), redelivered(other.webhooks.text(other.user, "login")))
    for _ in range(3):
        assert (await one.sends(*both)).status_code == 200
    await other.hears(2)
    await settled(house)
    assert [len(chat.screens) for chat in (one, other)] == [2, 2]


# --- coming and going -------------------------------------------------------------------------------------------------


async def reachable(house: House, chat: LineChat) -> bool:
    (row,) = await rows(house, "SELECT reachable FROM accounts WHERE external_id = :user", user=chat.user)
    return bool(row["reachable"])


async def test_who_blocks_the_bot_and_comes_back(house: House) -> None:
    assert house.line
    chat = await somebody(house)
    await chat.begins(ANAN.national_id)
    calls = len(house.line.accepted)
    await chat.sends(chat.webhooks.unfollow(chat.user))
    await settled(house)
    assert not await reachable(house, chat)
    assert len(house.line.accepted) == calls, "nothing is said to somebody who has gone"
    await chat.sends(chat.webhooks.follow(chat.user, unblocked=True))
    await chat.hears(calls + 1)
    chat.sees("ask.name")
    assert await reachable(house, chat)


async def test_what_was_not_out_when_they_left_never_goes_out(house: House) -> None:
    assert house.line
    chat = await somebody(house)
    house.line.fail_next("500", times=50)
    await chat.post({"text": "login"})
    await house.line.until(lambda: house.line is not None and len(house.line.faults_met) >= 1)
    async with asyncio.timeout(10):
        while not await rows(house, "SELECT 1 FROM outbox WHERE attempts > 0"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await chat.sends(chat.webhooks.unfollow(chat.user))
    assert not await rows(house, "SELECT 1 FROM outbox WHERE kind = 'line'")
    house.line._ordered.clear()
    house.clock.forward(minutes=10)
    await house.kp7.outbox.claim()
    await settled(house)
    assert len(chat.screens) == 1


async def is_registered(house: House, chat: LineChat) -> None:
    """With both mails there: the code, and that an address was registered."""
    await registers(chat, ANAN, NEW)
    await house.post.mail_to(NEW, after=1)
    await settled(house)


async def test_news_for_somebody_who_left_goes_by_mail(house: House) -> None:
    assert house.line
    chat = await somebody(house)
    await is_registered(house, chat)
    calls, mailed = len(house.line.accepted), len(house.post.mails)
    await chat.sends(chat.webhooks.unfollow(chat.user))
    house.clock.forward(days=2)
    await house.post.mail_to(NEW, after=mailed)
    await settled(house)
    assert len(house.line.accepted) == calls


async def test_news_for_somebody_who_came_back_goes_to_the_chat(house: House) -> None:
    chat = await somebody(house)
    await is_registered(house, chat)
    await chat.sends(chat.webhooks.unfollow(chat.user), chat.webhooks.follow(chat.user, unblocked=True))
    await settled(house)
    mailed, screens = len(house.post.mails), len(chat.screens)
    house.clock.forward(days=2)
    await chat.hears(screens + 1)
    chat.sees("notice.sso_ready")
    assert len(house.post.mails) == mailed


# --- what nobody asked for --------------------------------------------------------------------------------------------


async def test_whatever_is_sent_is_answered_and_the_question_stays(house: House) -> None:
    chat = await somebody(house)
    await chat.begins(MALEE.national_id)
    says = chat.webhooks
    sent = {
        "error.not_text": (says.sticker(chat.user), says.location(chat.user)),
        "error.text_wanted": (
            says.image(chat.user),
            says.video(chat.user, b"mp4"),
            says.audio(chat.user, b"m4a"),
            says.file(chat.user, "กพ7.pdf", b"%PDF-"),
        ),
    }
    for words, events in sent.items():
        for event in events:
            screens = len(chat.screens)
            assert (await chat.sends(event)).status_code == 200
            await chat.hears(screens + 1)
            chat.sees(words, "ask.code")
    for silent in (says.unsend(chat.user, "1"), says.beacon(chat.user), says.unknown(chat.user)):
        screens = len(chat.screens)
        assert (await chat.sends(silent)).status_code == 200
        await settled(house)
        assert len(chat.screens) == screens


@pytest.mark.parametrize("together", [True, False])
async def test_an_album_of_nine_is_not_nine_complaints(
    house: House, together: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While LINE takes its time over the first answer the others give way to the last."""
    post = LineApi._post

    async def slowly(*given: Any) -> None:
        await asyncio.sleep(0.1)
        await post(*given)

    chat = await somebody(house)
    await chat.begins(SOMCHAI.national_id)
    screens = len(chat.screens)
    monkeypatch.setattr(LineApi, "_post", slowly)
    album = chat.webhooks.album(chat.user, [b"jpeg"] * 9)
    deliveries = [album] if together else [[event] for event in album]
    answers = await asyncio.gather(*(chat.sends(*events) for events in deliveries))
    assert {answer.status_code for answer in answers} == {200}
    await settled(house)
    assert 1 <= len(chat.screens) - screens <= 4
    chat.sees("error.text_wanted", "ask.code")
    turns = [screen.data("ยกเลิก") for screen in chat.screens[screens:]]
    assert len(set(turns)) == len(turns)
    await chat.taps("control.cancel")
    chat.sees("cancelled")


async def test_somebody_unknown_blocks_and_unsends(house: House) -> None:
    """Events of people who have never said anything."""
    chat = await somebody(house)
    stranger = user_id(987)
    for event in (chat.webhooks.unsend(stranger, "1"), chat.webhooks.unfollow(stranger)):
        assert (await chat.sends(event)).status_code == 200
    await settled(house)
    assert house.line
    assert house.line.shown(stranger) == []
