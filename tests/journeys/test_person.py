"""Somebody asks to see what is kept about them, or to be erased: `kp7 person`, beside the running server."""

import asyncio
import json
import re
from typing import Any

from bot.app import ledger_of, stay_erased
from storage import holdings
from storage.erasures import Erasure
from storage.people import national_id_index
from tests.cast import ANAN, MALEE, SOMCHAI, STRANGER
from tests.command import kp7
from tests.house import House
from tests.security.tools import all_said, on_disk, registers, rows

NEW = "anan.new@example.go.th"


async def shown(house: House, national_id: str) -> dict[str, list[dict[str, Any]]]:
    code, said, complained = await kp7(house, "person", "show", national_id, "--json")
    assert code == 0, complained
    return dict(json.loads(said))


async def everything_about(house: House, national_id: str) -> dict[str, list[Any]]:
    """Without a person's key there is nothing to open."""
    vault = house.kp7.vault
    async with house.kp7.database.read() as tx:
        subject = await holdings.find(tx, vault, national_id_index(vault, national_id))
        return {k: v for k, v in (await holdings.show(tx, vault, house.kp7.registry.holds, subject)).items() if v}


async def test_one_sees_everything_that_is_kept_and_nothing_of_others(house: House) -> None:
    anan, malee = await house.somebody(), await house.somebody()
    await registers(anan, ANAN, NEW)
    await malee.logs_in(MALEE.national_id, MALEE.email)
    await anan.taps("menu.profile")
    await anan.taps("choice.edit_contact")
    await anan.says("0810000077")
    anan.sees("ask.fax")
    await all_said(house)

    found = await shown(house, ANAN.national_id)
    assert [row["profile"]["national_id"] for row in found["people"]] == [ANAN.national_id]
    assert [row["address"] for row in found["emails"]] == [NEW]
    assert [row["channel"] for row in found["accounts"]] == ["line" if house.line else "web"]
    assert len(found["codes"]) == 1
    assert "0810000077" in json.dumps(found["conversations"]), "what was typed in mid-conversation"
    if not house.line:
        assert found["chat_messages"][-1]["body"]["lines"] == anan.screen["lines"]
    text = json.dumps(found, ensure_ascii=False)
    assert MALEE.email not in text
    assert holdings.UNREADABLE not in text
    assert not re.search(r"\b1\.[0-9a-z]{26}\.", text), "something was left sealed"
    for secret in ('"session"', '"hash"', '"wrapped"', '"card_hash"', house.code_in(house.post.mails[0])):
        assert secret not in text


async def test_a_code_that_waits_to_be_mailed_is_not_shown(house: House) -> None:
    house.post.refusals = ["450 later"] * 9
    chat = await house.somebody()
    await chat.begins(SOMCHAI.national_id)
    waiting = (await rows(house, "SELECT id FROM outbox WHERE kind = 'mail'"))[0]["id"]
    code, said, complained = await kp7(house, "person", "show", SOMCHAI.national_id, "--json")
    assert code == 0, complained
    assert "mail.code" not in said
    assert waiting not in said, "it lies in a chat of nobody, whose conversation is not Somchai's to see"


async def test_for_a_person_to_read_times_are_times_and_nothing_steers_the_terminal(house: House) -> None:
    code, said, _ = await kp7(house, "person", "show", typed=f"{SOMCHAI.national_id}\n")
    assert code == 0
    assert f"address: {SOMCHAI.email}" in said
    assert re.search(r"added_at: 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\+07:00", said)
    assert (await kp7(house, "person", "show", STRANGER.national_id))[0] == 1
    assert (await kp7(house, "person", "show", "1234567890123"))[0] == 2


async def test_whoever_is_erased_is_told_and_is_a_stranger_from_then_on(house: House) -> None:
    chat, malee = await house.somebody(), await house.somebody()
    await registers(chat, ANAN, NEW)
    await malee.logs_in(MALEE.national_id, MALEE.email)
    keys = [row["wrapped"] for row in await rows(house, "SELECT wrapped FROM keys")]
    seen = len(chat.screens)

    code, said, complained = await kp7(house, "person", "erase", ANAN.national_id, typed="0030\n")
    assert code == 0, complained
    assert "อนันต์ สมมติ" in said, "whom it is about is said before it is done"
    assert "linked: 1, of which are told: 1" in said
    house.clock.forward(seconds=6)  # what another process wrote falls due
    await chat.hears(seen + 1)
    chat.sees("record_erased")
    chat.is_cleared()
    await all_said(house)
    await chat.says("สวัสดี")
    chat.sees("home.welcome")
    await chat.begins(ANAN.national_id)
    chat.sees("ask.name")  # as for anybody who is on no roster

    assert await everything_about(house, ANAN.national_id) == {}
    gone = [key for key in keys if key.encode() not in on_disk(house)]
    assert len(gone) == 2, "the person's key and the chat's, wrapped or not, in file and log"
    await malee.taps("menu.profile")
    malee.sees("ask.card")


async def test_the_chats_last_row_goes_with_the_message(house: House) -> None:
    chat = await house.somebody()
    await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    seen = len(chat.screens)
    assert (await kp7(house, "person", "erase", SOMCHAI.national_id, "--yes"))[0] == 0
    house.clock.forward(seconds=6)
    await chat.hears(seen + 1)
    async with asyncio.timeout(10):
        while await rows(house, "SELECT 1 FROM outbox"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    house.clock.forward(days=1.1)
    await house.kp7.schedule.once()
    assert await rows(house, "SELECT id FROM accounts") == []


async def test_a_message_that_cannot_be_delivered_keeps_nobody_for_a_day(house: House) -> None:
    chat = await house.somebody()
    await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    house.kp7.outbox.carriers.clear()
    assert (await kp7(house, "person", "erase", SOMCHAI.national_id, "--yes"))[0] == 0
    house.clock.forward(hours=13)
    async with asyncio.timeout(10):
        while not await rows(house, "SELECT 1 FROM outbox WHERE dead_at IS NOT NULL"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await house.kp7.schedule.once()
    assert await rows(house, "SELECT id FROM accounts") == []
    assert await rows(house, "SELECT id FROM outbox WHERE purpose = 'erased'") == []


async def test_where_somebody_only_typed_the_id_nothing_of_it_stays_either(house: House) -> None:
    """A chat of nobody, with a code on its way; its limits and its conversation go, and it starts afresh."""
    stranger = await house.somebody()
    await stranger.begins(SOMCHAI.national_id)
    stranger.sees("ask.code")
    code, said, _ = await kp7(house, "person", "erase", SOMCHAI.national_id, "--yes")
    assert (code, said) == (0, "erased; chats that were linked: 0, of which are told: 0\n")
    assert await rows(house, "SELECT account_id FROM conversations") == []
    assert await rows(house, "SELECT id FROM codes") == []
    assert await rows(house, "SELECT kind FROM attempts") == []
    await stranger.says(await house.code_for(SOMCHAI.email))
    stranger.sees("home.welcome")


async def test_the_wrong_digits_erase_nobody(house: House) -> None:
    code, _, complained = await kp7(house, "person", "erase", SOMCHAI.national_id, typed="0014\n")
    assert (code, "Nothing was erased." in complained) == (1, True)
    assert "people" in await shown(house, SOMCHAI.national_id)
    assert (await kp7(house, "person", "erase", STRANGER.national_id, "--yes"))[0] == 1


async def test_a_crash_between_ledger_and_database_is_made_good_at_the_next_start(house: House) -> None:
    chat = await house.somebody()
    await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    before = await rows(house, "SELECT p.key_id FROM people p JOIN accounts a ON a.person_id = p.id")
    ledger = ledger_of(house.settings, house.kp7.vault)
    ledger.add([Erasure(house.clock(), (before[0]["key_id"],))])
    await house.restart()
    assert await everything_about(house, SOMCHAI.national_id) == {}
    assert await rows(house, "SELECT id FROM accounts") == []
    assert await rows(house, "SELECT id FROM keys WHERE id = :id", id=before[0]["key_id"]) == []
    await stay_erased(house.kp7)  # again without harm


async def test_the_roster_may_bring_them_again_as_somebody_new(house: House) -> None:
    old = (await shown(house, SOMCHAI.national_id))["people"][0]
    assert (await kp7(house, "person", "erase", SOMCHAI.national_id, "--yes"))[0] == 0
    await house.load_samples()
    new = (await shown(house, SOMCHAI.national_id))["people"][0]
    assert new["id"] != old["id"]
    assert new["key_id"] != old["key_id"]
    await house.restart()
    assert "people" in await shown(house, SOMCHAI.national_id)
