"""Somebody asks to see what is kept about them, or to be erased: `kp7 person`, beside the running server."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from bot.app import ledger_of, stay_erased
from bot.times import DAY
from storage import files, holdings, people
from storage.erasures import Erasure
from storage.objects import Missing, whole
from storage.people import national_id_index
from tests.cast import ANAN, MALEE, SOMCHAI, STRANGER, Player
from tests.command import kp7
from tests.house import House
from tests.security.tools import all_said, on_disk, registers, rows
from tests.signing import hand_in

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


async def test_papers_are_named_to_whoever_asks_and_go_with_whoever_is_erased(house: House) -> None:
    """The running KP7 deletes them minutes later. What was just being written, too."""
    anan = await house.somebody()
    await registers(anan, ANAN, NEW)
    papers = [await hands_in(house, person) for person in (ANAN, ANAN, SOMCHAI)]
    found = (await shown(house, ANAN.national_id))["files"]
    assert sorted(row["id"] for row in found) == papers[:2]

    assert (await kp7(house, "person", "erase", ANAN.national_id, "--yes"))[0] == 0
    assert await everything_about(house, ANAN.national_id) == {}
    house.clock.forward(minutes=11)
    await house.kp7.schedule.once()
    for id, there in zip(papers, (False, False, True), strict=True):
        try:
            await whole(house.kp7.files.objects.get(id))
        except Missing:
            assert not there
        else:
            assert there
    assert await rows(house, "SELECT id FROM files") == [{"id": papers[2]}]
    assert await rows(house, "SELECT id FROM files_gone") == []


async def test_files_are_called_by_the_papers_that_they_are(house: House, tmp_path: Path) -> None:
    await hand_in(house, ANAN, "child.2")
    folder = tmp_path / "for Anan"
    code, _, complained = await kp7(house, "person", "show", ANAN.national_id, "--files", folder)
    assert code == 0, complained
    assert list(in_folder(folder)) == ["062 ID card of child 2.pdf"]


async def test_whoever_asks_is_given_their_papers_opened(house: House, tmp_path: Path) -> None:
    mine, lost, _ = [await hands_in(house, person) for person in (ANAN, ANAN, SOMCHAI)]
    await house.kp7.files.objects.put(lost, b"somebody has changed it")
    folder = tmp_path / "for Anan"
    code, _, complained = await kp7(house, "person", "show", ANAN.national_id, "--files", folder)
    assert (code, complained.strip()) == (
        1, f"The file {lost} could not be opened: it was changed, or is somebody else's."
    )  # fmt: skip
    assert in_folder(folder) == {f"{mine}.pdf": b"%PDF-1.7"}
    assert (await kp7(house, "person", "show", ANAN.national_id, "--files", folder))[0] == 2, "it is there already"


def in_folder(folder: Path) -> dict[str, bytes]:
    assert folder.stat().st_mode & 0o077 == 0
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def hands_in(house: House, player: Player) -> str:
    """→ the file's id"""
    kp7 = house.kp7
    async with kp7.database.read() as tx:
        person = await people.by_index(tx, kp7.vault, national_id_index(kp7.vault, player.national_id))
    assert person
    file = await kp7.files.put(person.id, person.key, b"%PDF-1.7", house.clock())
    async with kp7.database.write() as tx:
        assert await files.hold(tx, file.id, person.id)
    return file.id


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
    assert await everything_about(house, ANAN.national_id) == {}
    await chat.begins(ANAN.national_id)
    chat.sees("ask.name")  # as for anybody who is on no roster

    gone = [key for key in keys if key.encode() not in on_disk(house)]
    assert len(gone) == 2, "the person's key and the chat's, wrapped or not, in file and log"
    await malee.taps("menu.profile")
    malee.sees("ask.card")


async def test_a_browser_that_is_logged_out_is_not_told(house: House) -> None:
    """Its session is over: anybody may sit there by now. On LINE it is still their own telephone."""
    chat = await house.somebody()
    await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    async with house.kp7.database.write() as tx:
        await tx.run("UPDATE accounts SET seen_at = seen_at - :day", {"day": DAY})
    await house.kp7.schedule.once()
    told = 1 if house.line else 0
    seen = len(chat.screens)
    code, said, _ = await kp7(house, "person", "erase", SOMCHAI.national_id, "--yes")
    assert (code, said) == (0, f"erased; chats that were linked: 1, of which are told: {told}\n")
    assert len(await rows(house, "SELECT id FROM outbox WHERE purpose = 'erased'")) == told
    house.clock.forward(seconds=6)
    if house.line:
        await chat.hears(seen + 1)
        chat.sees("record_erased")
    else:
        assert await rows(house, "SELECT id FROM accounts") == []


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


async def test_whoever_is_put_back_by_hand_is_found_and_goes_again_within_the_hour(house: House) -> None:
    """Somebody has kept the rows, and writes the database."""
    index = national_id_index(house.kp7.vault, SOMCHAI.national_id)
    (person,) = await rows(house, "SELECT * FROM people WHERE id_index = :i", i=index)
    (key,) = await rows(house, "SELECT * FROM keys WHERE id = :k", k=person["key_id"])
    assert (await kp7(house, "person", "erase", SOMCHAI.national_id, "--yes"))[0] == 0
    assert (await kp7(house, "audit", "verify"))[0] == 0
    async with house.kp7.database.write() as tx:
        for table, row in (("keys", key), ("people", person)):
            names, values = ", ".join(row), ", ".join(f":{name}" for name in row)
            await tx.run(f"INSERT INTO {table} ({names}) VALUES ({values})", row)
    code, said, _ = await kp7(house, "audit", "verify")
    assert code == 1
    assert "tells of an erasure, and what was erased is there again" in said
    house.clock.forward(minutes=61)
    await house.kp7.schedule.once()
    assert await rows(house, "SELECT 1 FROM people WHERE id_index = :i", i=index) == []
    assert (await kp7(house, "audit", "verify"))[0] == 0


@pytest.mark.parametrize("who", [ANAN, STRANGER], ids=["on the roster", "on no roster"])
async def test_whoever_is_erased_while_they_prove_who_they_are(house: House, who: Player) -> None:
    """No code was mailed and nobody was asked: only what they have typed is there, and it goes, with the chat's key."""
    chat = await house.somebody()
    await chat.begins(who.national_id)
    await chat.says(who.name)
    await chat.says(who.born)
    chat.sees("ask.laser")
    await all_said(house)
    (key,) = await rows(house, "SELECT a.key_id, k.wrapped FROM accounts a JOIN keys k ON k.id = a.key_id")
    code, said, complained = await kp7(house, "person", "erase", who.national_id, "--yes")
    assert code == 0, complained
    assert "erased" in said
    for table in ("conversations", "chat_messages", "typed_ids", "outbox"):
        assert await rows(house, f"SELECT * FROM {table}") == [], table
    assert key["wrapped"].encode() not in on_disk(house)
    known = ledger_of(house.settings, house.kp7.vault).read()
    assert known
    assert key["key_id"] in known.keys
    assert (await kp7(house, "person", "erase", who.national_id, "--yes"))[0] == 1


async def test_on_a_phone_that_is_somebody_elses_only_what_was_said_goes(house: House) -> None:
    malee = await house.somebody()
    await malee.logs_in(MALEE.national_id, MALEE.email)
    house.clock.forward(days=8)
    await malee.says("สวัสดี")
    malee.sees("session_over")
    await malee.taps("menu.login")
    await malee.taps("choice.somebody_else")
    await malee.says(ANAN.national_id)
    await malee.says(ANAN.name)
    malee.sees("ask.birth_date")
    await all_said(house)
    (account,) = await rows(house, "SELECT id, key_id, person_id FROM accounts")
    assert (await kp7(house, "person", "erase", ANAN.national_id, "--yes"))[0] == 0
    assert await rows(house, "SELECT * FROM conversations") == []
    assert await rows(house, "SELECT * FROM chat_messages") == []
    assert await rows(house, "SELECT id, key_id, person_id FROM accounts") == [account]


async def test_a_record_that_was_put_under_another_id_is_neither_shown_nor_erased(house: House) -> None:
    """Whoever writes the database must not have others erased, nor become them."""
    index = {who: national_id_index(house.kp7.vault, who.national_id) for who in (ANAN, MALEE)}
    async with house.kp7.database.write() as tx:
        for old, new in ((index[ANAN], "aside"), (index[MALEE], index[ANAN]), ("aside", index[MALEE])):
            await tx.run("UPDATE people SET id_index = :new WHERE id_index = :old", {"new": new, "old": old})
    for command in (("show",), ("erase", "--yes")):
        code, said, complained = await kp7(house, "person", *command, ANAN.national_id)
        assert code != 0
        assert "มาลี" not in said + complained
        assert len(complained.strip().splitlines()) == 1
    assert len(await rows(house, "SELECT id FROM people WHERE id_index = :i", i=index[ANAN])) == 1
    chat = await house.somebody()
    mailed = len(house.post.mails)
    await chat.begins(ANAN.national_id)
    assert len(house.post.mails) == mailed, "no code for somebody else's record"


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
    await stay_erased(house.settings, house.kp7.database, house.kp7.vault, house.kp7.registry)  # again without harm


async def test_the_roster_may_bring_them_again_as_somebody_new(house: House) -> None:
    old = (await shown(house, SOMCHAI.national_id))["people"][0]
    assert (await kp7(house, "person", "erase", SOMCHAI.national_id, "--yes"))[0] == 0
    await house.load_samples()
    new = (await shown(house, SOMCHAI.national_id))["people"][0]
    assert new["id"] != old["id"]
    assert new["key_id"] != old["key_id"]
    await house.restart()
    assert "people" in await shown(house, SOMCHAI.national_id)
