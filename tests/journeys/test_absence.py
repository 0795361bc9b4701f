"""Malee is away for some days, and hands her queue to Somchai, who holds the same role himself."""

from datetime import timedelta

from bot.thai import format_date
from bot.times import local_date
from handlers.organisation import authority
from handlers.review.prompts import SETTLES
from tests.cast import ANAN, MALEE, PRIYA, SOMCHAI
from tests.house import Chat, House
from tests.journeys.reviewing import in_office_hours, the_clock_strikes
from tests.officers import grant, officer, revoke, who
from tests.security.tools import rows
from tests.waiting import paper_waits


async def away(house: House) -> bool:
    malee, today = await who(house, MALEE.national_id), local_date(house.clock(), house.settings.timezone)
    async with house.kp7.database.read() as tx:
        found = await authority.officer(tx, house.kp7.vault, malee.id, today)
    return found is not None and found.away


async def test_there_and_back(house: House) -> None:
    await hands_over(house, await house.somebody())


async def hands_over(house: House, chat: Chat) -> None:
    totp = await officer(house, MALEE.national_id)
    await grant(house, SOMCHAI.national_id, scope="D0103")  # of a part of it only
    await grant(house, ANAN.national_id, "unit_admin")  # another role
    await chat.logs_in(MALEE.national_id, MALEE.email)
    await chat.taps("menu.hand_over")
    chat.sees("ask.factor")
    await chat.says(totp.at(house.clock() // 1000))
    chat.sees("hand_over.nobody")

    somchai = await house.somebody(chat.language)
    await somchai.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await grant(house, SOMCHAI.national_id)
    await chat.taps("menu.hand_over")
    chat.sees("ask.hand_over_who")
    assert SOMCHAI.name in chat.screen.labels
    assert ANAN.name not in chat.screen.labels
    await chat.presses(SOMCHAI.name)
    chat.sees("ask.hand_over_until")
    today = local_date(house.clock(), house.settings.timezone)
    for wrong in (today - timedelta(1), today + timedelta(61)):
        await chat.says(format_date(wrong, "th"))
        chat.sees("error.hand_over_day", "ask.hand_over_until")
    await chat.says(format_date(today + timedelta(3), "th"))
    chat.sees("ask.hand_over_sure")
    assert not await away(house)
    heard = len(somchai.screens)
    await chat.taps("choice.hand_over_yes")
    chat.sees("hand_over.done")
    assert await away(house)
    await somchai.hears(heard + 1)
    somchai.sees("hand_over.told")
    [line] = await rows(house, "SELECT subject FROM audit WHERE action = 'officer.away'")
    assert line["subject"] == (await who(house, MALEE.national_id)).id

    async with house.kp7.database.write() as tx:  # somebody who edits rows sends nobody away for longer
        await tx.run("UPDATE absences SET ends_on = '2099-01-01'")
    assert not await away(house)
    async with house.kp7.database.write() as tx:
        await tx.run("UPDATE absences SET ends_on = :day", {"day": (today + timedelta(3)).isoformat()})
    await chat.taps("menu.hand_over")
    chat.sees("ask.hand_over_away")
    await chat.taps("choice.hand_over_keep")
    chat.sees("hand_over.kept")
    await chat.taps("menu.hand_over")
    await chat.taps("choice.hand_over_end")
    chat.sees("hand_over.back")
    assert not await away(house)
    assert len(await rows(house, "SELECT 1 FROM audit WHERE action = 'officer.back'")) == 1


async def test_who_is_no_officer_is_not_offered_it_and_gets_nothing(house: House) -> None:
    chat = await house.somebody()
    await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    assert house.kp7.texts(chat.language, "menu.hand_over") not in chat.screen.labels
    await chat.says("ฝากงาน")
    chat.sees("error.not_offered")
    assert await rows(house, "SELECT 1 FROM absences") == []


async def test_a_colleague_who_has_lost_the_role_meanwhile(house: House) -> None:
    totp = await officer(house, MALEE.national_id)
    await grant(house, SOMCHAI.national_id)
    chat = await house.somebody()
    await chat.logs_in(MALEE.national_id, MALEE.email)
    await chat.taps("menu.hand_over")
    await chat.says(totp.at(house.clock() // 1000))
    await chat.presses(SOMCHAI.name)
    today = local_date(house.clock(), house.settings.timezone)
    await chat.says(format_date(today, "th"))
    await revoke(house, SOMCHAI.national_id)
    await chat.taps("choice.hand_over_yes")
    chat.sees("error.hand_over_not_possible")
    assert await rows(house, "SELECT 1 FROM absences") == []


async def test_a_colleague_who_loses_the_role_afterwards(house: House) -> None:
    """Then nobody would hear of what waits: so Malee does, and is told why."""
    in_office_hours(house)
    totp = await officer(house, MALEE.national_id)
    lost = await grant(house, PRIYA.national_id)
    await grant(house, PRIYA.national_id, "unit_admin")  # which she keeps, and is no help
    chat = await house.somebody()
    await chat.logs_in(MALEE.national_id, MALEE.email)
    await chat.taps("menu.hand_over")
    await chat.says(totp.at(house.clock() // 1000))
    await chat.presses(PRIYA.name)
    await chat.says(format_date(local_date(house.clock(), house.settings.timezone) + timedelta(3), "th"))
    await chat.taps("choice.hand_over_yes")
    await the_clock_strikes(house)
    assert await away(house)

    await revoke(house, PRIYA.national_id, lost)
    assert not await away(house), "at once, whatever the clock does"
    heard = len(chat.screens)
    await the_clock_strikes(house)
    await chat.hears(heard + 1)
    chat.sees("hand_over.lapsed")
    assert await rows(house, "SELECT 1 FROM absences") == []
    [line] = await rows(house, "SELECT detail FROM audit WHERE action = 'officer.back'")
    assert "colleague" in str(line["detail"])

    await paper_waits(house, await who(house, SOMCHAI.national_id))
    house.clock.forward(seconds=SETTLES / 1000 + 1)
    await the_clock_strikes(house)
    await chat.hears(heard + 2)
    chat.sees("prompt.one")
