"""What people ask HR for in their chats, until it is answered: help, a lock, a chat in place of another one, who
somebody is. Malee is HR of department D01, Rung of D02 beside her."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot import erase
from bot.app import ledger_of
from bot.events import Invalid
from bot.times import local_date
from handlers.organisation import authority
from handlers.organisation.roles import Role
from handlers.review import deciding, describing, queue
from handlers.review.deciding import Decision
from handlers.review.describing import Description
from handlers.review.rules import Wanted
from storage import audit
from storage.people import national_id_index
from storage.seals import PEOPLE
from tests.cast import ANAN, MALEE, PRIYA, RUNG, SOMCHAI, Player
from tests.house import Chat, House, a_house
from tests.journeys.reviewing import in_office_hours, proves
from tests.journeys.test_officer import asks_hr, finishes, kp7
from tests.officers import grant
from tests.officers import officer as enrolled
from tests.sealing import sealed
from tests.security.tools import change, on_disk, other_than, person, rows


async def officer(house: House, who: Player, scope: str = "D01", role: Role = "unit_hr") -> None:
    await grant(house, who.national_id, role, scope)


async def waits(house: House, who: Player) -> list[Description]:
    """What this officer is shown, the oldest first; it is written down."""
    me = await person(house, who)
    settings, vault = house.settings, house.kp7.vault
    async with house.kp7.database.write() as tx:
        found = await authority.officer(tx, vault, me.id, local_date(house.clock(), settings.timezone))
        items = await queue.waiting(tx, house.kp7.vault, found) if found else []
        shown = [await describing.describe(tx, vault, settings, found, item) for item in items if found]
        lines = [describing.shown(f"chat:{me.id}", one) for one in shown]
        await audit.append(tx, vault, house.clock(), lines)
    return shown


async def decides(house: House, who: Player, shown: Description, wanted: Wanted, **more: Any) -> str:
    """→ the verdict, or why not"""
    me, item, kp7 = await person(house, who), shown.item, house.kp7
    decision = Decision(item.id, item.seen, wanted, **more)
    try:
        async with kp7.database.write() as tx:
            done = await deciding.decide(
                tx, kp7.vault, house.settings, me.id, decision, by=f"chat:{me.id}", now=house.clock()
            )
            written = await kp7.outbox.insert(tx, done.entries)
    except Invalid as why:
        kp7.texts("th", f"error.{why.code}", why.params)
        name = why.params.get("officer")
        return f"{why.code} {name}" if isinstance(name, str) else why.code
    kp7.outbox.dispatch(written)
    return done.verdict


def read(house: House, shown: Description) -> str:
    """As an officer would see it, in both languages."""
    texts = house.kp7.texts
    words = [shown.title, *shown.lines, *(option.label for option in shown.options)]
    return "\n".join(texts.say(language, say) for language in ("th", "en") for say in words)


@pytest.fixture
async def office(tmp_path: Path, channel: str, database: dict[str, Any]) -> AsyncIterator[House]:
    async with a_house(tmp_path, channel=channel, card_verifier="officer", **database) as house:
        yield house


async def asks_for_help(house: House, chat: Chat) -> None:
    """A question to HR, and another one while it waits."""
    await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    for question in ("ask.ask_hr", "ask.ask_hr_more"):
        await chat.taps("menu.ask_hr")
        chat.sees(question)
        await chat.says("บัตรหาย")
        chat.sees("ask_hr.sent")


async def test_somchai_asks_hr_and_is_answered(house: House) -> None:
    """In his words; what he adds must have been read by whoever answers."""
    for who in (MALEE, ANAN, PRIYA):
        await officer(house, who)
    await officer(house, RUNG, scope="D02")
    anan = (await person(house, ANAN)).id
    await change(house, "UPDATE people SET status = 'on_leave' WHERE id = :id", id=anan)
    async with house.kp7.database.write() as tx:
        await sealed(tx, house.kp7.vault, PEOPLE, anan)
    stranger = await house.somebody()
    await stranger.says("ถามเจ้าหน้าที่")
    stranger.sees("error.login_first")

    somchai = await house.somebody("en")
    await somchai.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await somchai.taps("menu.ask_hr")
    somchai.sees("ask.ask_hr")
    await somchai.taps("control.help")
    somchai.sees("help.ask_hr")
    await somchai.says("ก" * 1001)
    somchai.sees("error.help_long", "ask.ask_hr")
    await somchai.says("ก" + "\u0e49" * 40)
    somchai.sees("error.words_piled", "ask.ask_hr")
    await somchai.says("ชื่อมารดาของผมผิด\nขอแก้ {name} <b>")
    somchai.sees("ask_hr.sent")

    (first,) = await waits(house, MALEE)
    assert first.written == ("ชื่อมารดาของผมผิด\nขอแก้ {name} <b>",)
    assert "นายสมชาย ทดสอบ" in read(house, first)
    assert "ขอแก้ {name} <b>" in read(house, first)
    assert [option.wanted for option in first.options] == ["answer"]
    await somchai.taps("menu.ask_hr")
    somchai.sees("ask.ask_hr_more")
    await somchai.says("และนามสกุลด้วย")
    assert await decides(house, MALEE, first, "answer", words="ตอบก่อนอ่าน") == "item_changed"
    (second,) = await waits(house, MALEE)
    assert second.written == (*first.written, "และนามสกุลด้วย")

    assert await waits(house, RUNG) == await waits(house, ANAN) == []
    assert await decides(house, RUNG, second, "answer", words="ไม่ใช่หน่วยของฉัน") == "item_gone"
    assert await decides(house, ANAN, second, "answer", words="ลาอยู่") == "not_officer"
    assert await decides(house, SOMCHAI, second, "answer", words="ตอบตัวเอง") == "not_officer"
    assert await decides(house, MALEE, second, "approve") == "item_gone"
    assert await decides(house, MALEE, second, "answer", words=" ") == "answer_needed"
    assert await decides(house, MALEE, second, "answer", words="ก" * 1001) == "answer_long"
    shown = len(somchai.screens)
    done = await asyncio.gather(
        *(decides(house, who, second, "answer", words="นำใบเปลี่ยนชื่อมา ห้อง 3") for who in (MALEE, PRIYA) * 4)
    )
    assert sorted(done)[0] == "answered"
    assert {re.sub(" .*", "", one) for one in sorted(done)[1:]} == {"item_answered"}
    await somchai.hears(shown + 1)
    assert "ห้อง 3" in somchai.sees("notice.hr_answer").text
    assert await decides(house, RUNG, second, "answer", words="สาย") == "item_gone"

    lines = await rows(house, "SELECT action, subject, detail FROM audit WHERE action LIKE 'request.%'")
    assert [line["action"] for line in lines] == ["request.answered"]
    assert lines[0]["subject"] == (await person(house, SOMCHAI)).id
    assert "มารดา".encode() not in on_disk(house)

    assert await waits(house, MALEE) == []
    for _ in range(3):
        await somchai.says("ask hr")
        await somchai.says("อีกเรื่อง")
    await somchai.says("ask hr")
    await somchai.says("มากเกินไป")
    somchai.sees("error.too_many_questions")


async def test_malee_answers_in_her_chat(house: House) -> None:
    """Somchai's question and his new chat, one after the other; a row that KP7 did not write is not there."""
    in_office_hours(house)
    somchai, phone, malee = await house.somebody(), await house.somebody(), await house.somebody("en")
    totp = await enrolled(house, MALEE.national_id)
    await malee.logs_in(MALEE.national_id, MALEE.email)
    await somchai.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await somchai.taps("menu.ask_hr")
    await somchai.says("ต้องส่งทะเบียนบ้านเล่มใหม่ไหม")
    copied = "kind, account_id, person_id, key_id, detail, version, 1, NULL, NULL, NULL, NULL, mac FROM requests"
    await change(house, f"INSERT INTO requests SELECT 'edited', {copied}")
    house.clock.forward(minutes=2)
    await phone.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await malee.taps("menu.review")
    await proves(malee, totp)
    assert "ทะเบียนบ้านเล่มใหม่" in malee.sees("describe.help", "describe.asked").text
    await malee.taps("choice.decide_answer")
    malee.sees("ask.review_words")
    heard = len(phone.screens)
    await malee.says("ไม่ต้องค่ะ")
    malee.sees("review.answered", "describe.relink", "describe.relinked")
    await phone.hears(heard + 1)
    assert "ไม่ต้องค่ะ" in phone.sees("notice.hr_answer").text
    heard = len(phone.screens)
    await malee.taps("choice.decide_cut_off")
    malee.sees("review.cut_off", "review.end")
    await phone.hears(heard + 1)
    phone.sees("cut_off_by_hr")
    phone.is_cleared()


async def test_an_answer_waits_for_who_has_no_chat(house: House) -> None:
    """It comes by mail that there is one, and in the chat once they are back; nobody answers what is their own."""
    await officer(house, MALEE)
    await officer(house, SOMCHAI)
    malee = await house.somebody()
    await malee.logs_in(MALEE.national_id, MALEE.email)
    await malee.taps("menu.ask_hr")
    await malee.says("เงินเดือนของดิฉัน")
    await malee.taps("menu.logout")
    assert await waits(house, MALEE) == []
    (asked,) = await waits(house, SOMCHAI)
    assert await decides(house, MALEE, asked, "answer", words="ตอบตัวเอง") == "item_gone"
    mailed = len(house.post.mails)
    assert await decides(house, SOMCHAI, asked, "answer", words="โอนแล้วเมื่อวาน") == "answered"
    mail = await house.post.mail_to(MALEE.email, after=mailed)
    assert "โอนแล้ว" not in house.post.text(mail)
    house.clock.forward(minutes=2)
    await malee.logs_in(MALEE.national_id, MALEE.email)
    assert "โอนแล้วเมื่อวาน" in malee.sees("notice.hr_answer").text
    await malee.taps("menu.logout")
    house.clock.forward(minutes=2)
    await malee.logs_in(MALEE.national_id, MALEE.email)
    assert "โอนแล้วเมื่อวาน" not in malee.screen.text


async def test_malee_unlocks_whom_a_guesser_has_locked(house: House) -> None:
    for who in (MALEE, PRIYA):
        await officer(house, who)
    somchai = await house.somebody()
    await somchai.begins(SOMCHAI.national_id)
    code = await house.code_for(SOMCHAI.email)
    await change(house, "UPDATE people SET wrong_codes = 98 WHERE id = :id", id=(await person(house, SOMCHAI)).id)
    await somchai.says(other_than(code))
    assert await waits(house, MALEE) == []
    await somchai.says(other_than(code, 1))
    (locked,) = await waits(house, MALEE)
    assert "นายสมชาย ทดสอบ" in read(house, locked)
    await somchai.says(code)
    somchai.sees("error.code_disabled")
    assert len(await waits(house, MALEE)) == 1

    assert await decides(house, MALEE, locked, "refuse") == "refused"
    assert await decides(house, PRIYA, locked, "unlock") == "item_refused นางมาลี ตัวอย่าง"
    await somchai.says(code)
    assert await waits(house, MALEE) == []  # refused today
    house.clock.forward(hours=25)
    await somchai.says("ยกเลิก")
    await somchai.begins(SOMCHAI.national_id)
    somchai.sees("error.code_disabled")
    (again,) = await waits(house, MALEE)
    mailed = len(house.post.mails)
    done = await asyncio.gather(*(decides(house, who, again, "unlock") for who in (MALEE, PRIYA)))
    assert [one.partition(" ")[0] for one in sorted(done)] == ["item_unlocked", "unlocked"]
    unlocked = await house.post.mail_to(SOMCHAI.email, after=mailed)
    assert SOMCHAI.national_id not in house.post.text(unlocked)
    await somchai.says(SOMCHAI.national_id)
    somchai.sees("ask.code")


async def test_a_chat_in_place_of_another_is_kept_or_cut_off(house: House) -> None:
    for who in (MALEE, PRIYA):
        await officer(house, who)
    old, new, newest = await house.somebody(), await house.somebody(), await house.somebody("en")
    await old.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    assert await waits(house, MALEE) == []
    house.clock.forward(minutes=2)
    await new.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    (first,) = await waits(house, MALEE)
    assert await decides(house, MALEE, first, "keep") == "kept"
    await new.taps("menu.profile")
    assert "081" in new.screen.text
    await new.taps("choice.close")

    house.clock.forward(minutes=2)
    await old.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    (second,) = await waits(house, MALEE)
    house.clock.forward(minutes=2)
    await newest.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    (third,) = await waits(house, MALEE)
    between = [line.text for line in third.lines].count("describe.relinked_before")
    assert (between, "another change" in read(house, third), "another change" in read(house, second)) == (
        1,
        True,
        False,
    )
    assert await decides(house, MALEE, second, "cut_off") == "item_replaced"
    await newest.taps("menu.profile")
    shown, mailed = len(newest.screens), len(house.post.mails)
    assert await decides(house, PRIYA, third, "cut_off") == "cut_off"
    assert await decides(house, MALEE, third, "keep") == "item_cut_off นางสาวปรียา ใจตัวอย่าง"
    await newest.hears(shown + 1)
    newest.sees("cut_off_by_hr")
    newest.is_cleared()
    await newest.says("profile")
    newest.sees("error.login_first")
    told = await house.post.mail_to(SOMCHAI.email, after=mailed)
    assert told["subject"] == house.kp7.texts("th", "mail.cut_off.subject")
    assert await rows(house, "SELECT 1 FROM accounts WHERE person_id IS NOT NULL") == []

    # somebody else has that chat by then: they are left alone
    house.clock.forward(hours=2)
    await old.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    house.clock.forward(minutes=2)
    await new.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await new.taps("menu.logout")
    await new.logs_in(MALEE.national_id, MALEE.email)
    (late,) = await waits(house, PRIYA)
    assert await decides(house, PRIYA, late, "cut_off") == "cut_off"
    await new.taps("menu.profile")
    assert "มาลี" in new.screen.text


async def test_hr_confirms_who_anan_is(office: House) -> None:
    """Of two opposite verdicts one counts; what disagrees takes a second question."""
    await officer(office, RUNG, scope="D02")
    await officer(office, PRIYA, scope="D02", role="unit_admin")
    await officer(office, MALEE)
    anan, rogue = await office.somebody(), await office.somebody()
    await asks_hr(rogue, replace(ANAN, name="ใคร ไม่รู้"))
    (doubtful,) = await waits(office, RUNG)
    assert [option.asks for option in doubtful.options] == ["sure", ""]
    assert await decides(office, RUNG, doubtful, "confirm") == "item_mismatch"
    assert await decides(office, RUNG, doubtful, "confirm", sure=True) == "confirmed"
    reference = await asks_hr(anan, ANAN)
    assert await waits(office, MALEE) == []
    (check,) = await waits(office, RUNG)
    assert check.claim
    assert (check.claim.reference, check.claim.roster_name) == (reference, "นายอนันต์ สมมติ")
    assert check.claim.matches == {"name": True, "birth_date": True}
    assert [option.asks for option in check.options] == ["", ""]
    assert reference in read(office, check)
    assert ANAN.national_id not in read(office, check)
    assert await decides(office, MALEE, check, "confirm") == "item_gone"
    assert await decides(office, RUNG, check, "approve") == "item_gone"
    shown = len(anan.screens)
    done = await asyncio.gather(decides(office, RUNG, check, "confirm"), decides(office, PRIYA, check, "refuse"))
    assert len({"confirmed", "refused"} & set(done)) == 1
    assert any(one.startswith(("item_confirmed ", "item_refused ")) for one in done), done
    assert (await kp7(office, "confirm", reference))[0] == 1
    await anan.hears(shown + 1)
    if "confirmed" in done:
        await finishes(anan, "anan.hr@example.com")
    else:
        anan.sees("error.officer_refused")

    lines = await rows(office, "SELECT action, subject, detail FROM audit WHERE action LIKE 'identity.%' ORDER BY seq")
    assert [line["subject"] for line in lines] == [(await person(office, ANAN)).id] * 2
    assert '"mismatch":true' in str(lines[0]["detail"]).replace(" ", "")


async def test_who_is_late_by_a_moment_is_told_who_was_faster(office: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decided after it was found for the other one, and before it was looked at for them."""
    await officer(office, RUNG, scope="D02")
    await officer(office, PRIYA, scope="D02")
    await asks_hr(await office.somebody(), ANAN)
    (check,) = await waits(office, RUNG)
    assert await decides(office, PRIYA, check, "refuse") == "refused"

    async def still_there(*_: object) -> queue.Item:
        return check.item

    monkeypatch.setattr(queue, "find", still_there)
    assert (await decides(office, RUNG, check, "confirm")).startswith("item_refused ")


async def test_what_an_erased_person_asked_goes_too(house: House) -> None:
    await officer(house, MALEE)
    old, new = await house.somebody(), await house.somebody()
    await old.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    house.clock.forward(minutes=2)
    await new.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await new.taps("menu.ask_hr")
    await new.says("ลบข้อมูลของผม")
    assert [one.item.kind for one in await waits(house, MALEE)] == ["relink", "help"]
    kp7 = house.kp7
    done = await erase.erase(
        kp7.database, kp7.vault, kp7.registry.holds, ledger_of(kp7.settings, kp7.vault), kp7.outbox, kp7.notices,
        national_id_index(kp7.vault, SOMCHAI.national_id), house.clock(), by="cli:hr",
    )  # fmt: skip
    assert done
    assert await rows(house, "SELECT 1 FROM requests") == []
    assert await waits(house, MALEE) == []
